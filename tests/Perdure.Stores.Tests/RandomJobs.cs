using System.Text.Json;
using Perdure.Storage;

namespace Perdure.Stores.Tests;

/// <summary>Makes what random operations do with jobs, some of it wrong: numbers that exist, updates of jobs that do not.</summary>
internal sealed class RandomJobs(Random random, Func<DateTimeOffset> time)
{
    private readonly HashSet<(int Shard, long Number)> _open = [];
    private long _lastNumber;

    /// <summary>Adds to a batch that may hold other things.</summary>
    public void AddTo(ShardBatch batch)
    {
        int shard = batch.Lease.Shard;
        List<long> open = [.. _open.Where(job => job.Shard == shard).Select(job => job.Number)];
        for (int i = random.Next(4); i > 0; i--)
        {
            long number = ++_lastNumber;
            open.Add(number);
            batch.NewJobs.Add(new JobRow(number, shard, Queue(), Type(), time()) { Key = Key(), Payload = Bytes(), State = State() });
        }

        if (random.Next(40) == 0 && open.Count > 0)
        {
            batch.NewJobs.Add(new JobRow(open[0], shard, Queue(), Type(), time()));
        }

        if (random.Next(40) == 0)
        {
            batch.JobUpdates.Add(new JobUpdate(_lastNumber + 1_000, State()));
        }

        foreach (long number in open.OrderBy(_ => random.Next()).Take(random.Next(4)).ToList())
        {
            Change(batch, number);
        }

        for (int i = random.Next(3); i > 0; i--)
        {
            batch.ForgottenJobs.Add(AnyNumber());
            batch.EndedJobs.Add(AnyNumber());
        }

        foreach (string name in new[] { "a", "A", "é", "b" }.Where(_ => random.Next(5) == 0))
        {
            batch.Memos.Add(new MemoRow(name, Bytes()));
        }
    }

    /// <summary>Takes note of a batch that was committed.</summary>
    public void Learn(ShardBatch batch)
    {
        int shard = batch.Lease.Shard;
        _open.UnionWith(batch.NewJobs.Select(job => (shard, job.Number)));
        _open.ExceptWith(batch.EndedJobs.Select(number => (shard, number)));
    }

    /// <summary>Asks for something about jobs.</summary>
    public (string Name, Func<IStore, Task<object>> Operation) Read(int shard)
    {
        JobFilter filter = Filter();
        int limit = random.Next(2) == 0 ? int.MaxValue : random.Next(4);
        long after = random.Next(2) == 0 ? long.MinValue : AnyNumber();
        DateTimeOffset until = random.Next(3) == 0 ? DateTimeOffset.MaxValue : time();
        List<long> known = [.. _open.Where(job => job.Shard == shard).Select(job => job.Number).Order()];
        List<long> numbers = [.. Enumerable.Range(0, random.Next(12)).Select(_ => known.Count == 0 || random.Next(3) == 0 ? AnyNumber() : known[random.Next(known.Count)])];
        return random.Next(7) switch
        {
            0 => ($"jobs of {shard} after {after} limit {limit}", async store => await store.ReadJobsAsync(shard, after, limit, default)),
            1 => ($"payloads of {shard}", async store => await store.ReadPayloadsAsync(shard, numbers, default)),
            2 => ($"ends of {shard}", async store => await store.ReadJobEndsAsync(shard, numbers, default)),
            3 => ($"forgettable of {shard} until {until} limit {limit}", async store => await store.ReadForgettableAsync(shard, until, limit, default)),
            4 => ($"list {filter}", store => RowsAsync(store.ListJobsAsync(filter, default))),
            5 => ($"list ends {filter}", store => RowsAsync(store.ListJobEndsAsync(filter, default))),
            _ => ($"memos of {shard}", async store => await store.ReadMemosAsync(shard, default)),
        };
    }

    /// <summary>Reads a list to its end.</summary>
    public static async Task<object> RowsAsync<T>(IAsyncEnumerable<T> list)
    {
        List<T> rows = [];
        await foreach (T row in list)
        {
            rows.Add(row);
        }

        return rows;
    }

    private void Change(ShardBatch batch, long number)
    {
        int choice = random.Next(4);
        if (choice <= 1)
        {
            batch.JobUpdates.Add(new JobUpdate(number, State(), Bytes()));
        }

        if (choice >= 1)
        {
            batch.EndedJobs.Add(number);
        }

        if (choice >= 2)
        {
            batch.JobEnds.Add(new JobEndRow(number, batch.Lease.Shard, Queue(), Type(), (JobStatus)random.Next(3, 6), time(), time(), time())
            {
                Key = Key(),
                Priority = random.Next(-9, 9),
                Attempts = random.Next(4),
                Result = Bytes(),
                More = More(),
                Correlation = Correlation(),
                KeepsPayload = random.Next(2) == 0,
            });
        }
    }

    private JobFilter Filter() => new()
    {
        Queue = random.Next(3) == 0 ? Queue() : null,
        Type = random.Next(4) == 0 ? Type() : null,
        Key = random.Next(4) == 0 ? Key() : null,
        Correlation = random.Next(4) == 0 ? Correlation() : null,
        Status = random.Next(3) == 0 ? (JobStatus)random.Next(6) : null,
        CreatedFrom = random.Next(4) == 0 ? time().AddTicks(random.Next(2)) : null,
        CreatedBefore = random.Next(4) == 0 ? time().AddTicks(random.Next(2)) : null,
        Limit = random.Next(3) == 0 ? random.Next(6) : 1_000,
    };

    private JobState State() =>
        new(random.Next(-9, 9), random.Next(2) == 0 ? time().AddTicks(random.Next(9)) : null, random.Next(4), More());

    private long AnyNumber() => random.NextInt64(_lastNumber + 2);

    private string Queue() => random.Next(2) == 0 ? "mail" : "ünïcödé 🎉";

    private string Type() => random.Next(2) == 0 ? "Send" : "send";

    private string? Key() => random.Next(3) switch { 0 => null, 1 => "", _ => "k" };

    private string? Correlation() => random.Next(3) switch { 0 => null, 1 => "o1", _ => "ö" };

    private byte[]? More() => random.Next(3) == 0 ? JsonSerializer.SerializeToUtf8Bytes(new { lease = 1, correlation = Correlation() }) : Bytes();

    private byte[]? Bytes() => random.Next(4) switch { 0 => null, 1 => [], 2 => [1, 2, 3], _ => new byte[random.Next(6_000)] };
}
