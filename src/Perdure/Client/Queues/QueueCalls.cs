using System.Runtime.CompilerServices;
using System.Text.Json;
using Perdure.Cluster;
using Perdure.Diagnostics;
using Perdure.Queues;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Client;

/// <summary>The calls of those who look after queues: lists, dead letters, policies.</summary>
internal sealed class QueueCalls(JobCalls calls)
{
    private const int PageSize = 500;

    private int HomeIndex => calls.Node.HomeShard.Index;

    private IStore Store => calls.Node.Store;

    /// <summary>Lists jobs, open and ended, the newest first.</summary>
    public async IAsyncEnumerable<JobInfo> ListAsync(JobFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        WantedJobs.Require(filter.Limit >= 1, "a filter's Limit", "at least 1");
        if (calls.Registry.Queues.Count == 0)
        {
            yield break;
        }

        JobFilter all = filter with { Limit = int.MaxValue };
        await using IAsyncEnumerator<JobInfo> open = (filter.Status is null or < JobStatus.Completed ? OpenAsync(all, cancellationToken) : None()).GetAsyncEnumerator(cancellationToken);
        await using IAsyncEnumerator<JobEndRow> ended = (filter.Status is null or >= JobStatus.Completed ? Store.ListJobEndsAsync(filter, cancellationToken) : NoEnds()).GetAsyncEnumerator(cancellationToken);
        bool hasOpen = await open.MoveNextAsync();
        bool hasEnded = await ended.MoveNextAsync();
        for (int left = filter.Limit; left > 0 && (hasOpen || hasEnded); left--)
        {
            long openNumber = hasOpen ? JobId.Number(open.Current.Id) : long.MinValue; // jobs for events have numbers below zero
            long endedNumber = hasEnded ? ended.Current.Number : long.MinValue;
            yield return openNumber > endedNumber ? open.Current : JobInfos.Of(ended.Current);
            hasOpen = openNumber >= endedNumber ? await open.MoveNextAsync() : hasOpen; // one that ended between the two reads is in both
            hasEnded = endedNumber >= openNumber ? await ended.MoveNextAsync() : hasEnded;
        }
    }

    /// <summary>Makes dead letters jobs again, the oldest first.</summary>
    public async Task<int> RedriveAsync(string queue, JobFilter filter, Rate? atMost, CancellationToken cancellationToken)
    {
        atMost?.Check($"redriving queue {queue}");
        List<long> numbers = await DeadAsync(queue, filter, cancellationToken);
        numbers.Reverse();
        Dictionary<long, DateTimeOffset>? times = atMost is null ? null : Spread(numbers, atMost, calls.Node.Clock.Now());
        int count = 0;
        foreach (long[] page in numbers.Chunk(PageSize))
        {
            Dictionary<long, DateTimeOffset>? some = times is null ? null : page.ToDictionary(n => n, n => times[n]);
            count += await calls.AskAsync(new RedriveJobs(queue, [.. page], some, edit: null), cancellationToken);
        }

        return count;
    }

    /// <summary>Makes one dead letter a job again, edited if it is given anew.</summary>
    public async Task<JobHandle> RedriveAsync(string queue, string id, IJob? edited, CancellationToken cancellationToken)
    {
        long number = JobId.Number(id);
        JobEndRow? end = (await Store.ReadJobEndsAsync(HomeIndex, [number], cancellationToken))[0];
        EditedJob? edit = null;
        if (edited is not null)
        {
            JobType type = calls.Registry.TypeOf(edited);
            if (end is not null && end.Type != type.Name)
            {
                throw new PerdureException(ErrorCodes.PayloadMismatch, $"job {id} is a {end.Type}, not a {type.Name}.");
            }

            edit = new EditedJob(type.Serialize(edited, calls.Node.Services.Json), type.OptionsOf(edited, null).Key);
        }

        if (await calls.AskAsync(new RedriveJobs(queue, [number], times: null, edit), cancellationToken) == 0)
        {
            throw end is null && await calls.AskAsync(new DescribeJob(number), cancellationToken) is null
                ? new JobNotFoundException(id)
                : new PerdureException(ErrorCodes.NotRedrivable, $"job {id} is no dead letter of queue {queue}: {end?.Status.ToString() ?? "it has not ended"}.");
        }

        return JobHandle.Of(calls, queue, number, subscriber: null);
    }

    /// <summary>Forgets dead letters.</summary>
    public async Task<int> DiscardAsync(string queue, JobFilter filter, CancellationToken cancellationToken)
    {
        int count = 0;
        foreach (long[] page in (await DeadAsync(queue, filter, cancellationToken)).Chunk(PageSize))
        {
            count += await calls.AskAsync(new DiscardJobs(queue, [.. page]), cancellationToken);
        }

        return count;
    }

    /// <summary>Cancels jobs for all who want them.</summary>
    public async Task<int> CancelAsync(JobFilter filter, string reason, CancellationToken cancellationToken)
    {
        WantedJobs.Require(filter.Limit >= 1, "a filter's Limit", "at least 1");
        WantedJobs.Require(filter.Status is null or JobStatus.Waiting or JobStatus.Running, "the Status of jobs to cancel", "Waiting, Running or null");
        int count = 0;
        await foreach (List<JobRow> page in PagesAsync(filter with { Limit = int.MaxValue }, cancellationToken))
        {
            foreach (long[] some in page.Select(r => r.Number).Chunk(Math.Max(1, Math.Min(PageSize, filter.Limit - count))))
            {
                count += count < filter.Limit ? await calls.AskAsync(new CancelJobs(some[..Math.Min(some.Length, filter.Limit - count)], filter.Status, reason), cancellationToken) : 0;
            }

            if (count >= filter.Limit)
            {
                break;
            }
        }

        return count;
    }

    /// <summary>Changes a queue's policy: a copy of the current one, checked as at the start. Whoever comes in between is not overwritten.</summary>
    public async Task ChangeAsync(string queue, Action<QueueOptions> change, CancellationToken cancellationToken)
    {
        QueueOptions current;
        QueueOptions changed;
        do
        {
            current = await calls.AskAsync(new ReadPolicy(queue), cancellationToken);
            JsonSerializerOptions json = FlowJson.DefaultOptions();
            changed = JsonSerializer.Deserialize<QueueOptions>(JsonSerializer.SerializeToUtf8Bytes(current, json), json)!;
            change(changed);
            QueueBuilder.Check(queue, changed, calls.Registry.Pools, calls.Node.Services.Dependencies);
        }
        while (!await calls.AskAsync(new ChangePolicy(queue, current, changed), cancellationToken));
    }

    /// <summary>When each of the jobs is tried at the earliest.</summary>
    private static Dictionary<long, DateTimeOffset> Spread(List<long> numbers, Rate atMost, DateTimeOffset from)
    {
        Dictionary<long, DateTimeOffset> times = new(numbers.Count);
        for (int i = 0; i < numbers.Count; i++)
        {
            long steps = Math.Max(0, i - atMost.Burst + 1);
            times.Add(numbers[i], StoredTimes.Up(from, TimeSpan.FromTicks((long)Int128.Min(TimeSpan.FromDays(36_525).Ticks, ((Int128)steps * atMost.Per.Ticks + atMost.Count - 1) / atMost.Count))));
        }

        return times;
    }

    private static async IAsyncEnumerable<JobInfo> None()
    {
        await Task.CompletedTask;
        yield break;
    }

    private static async IAsyncEnumerable<JobEndRow> NoEnds()
    {
        await Task.CompletedTask;
        yield break;
    }

    private async Task<List<long>> DeadAsync(string queue, JobFilter filter, CancellationToken cancellationToken)
    {
        WantedJobs.Require(filter.Limit >= 1, "a filter's Limit", "at least 1");
        WantedJobs.Require(filter.Queue is null || filter.Queue == queue, "a filter's Queue", $"{queue} here, or null");
        WantedJobs.Require(filter.Status is null or JobStatus.Failed, "the Status of dead letters", "Failed or null");
        List<long> numbers = [];
        await foreach (JobEndRow end in Store.ListJobEndsAsync(filter with { Queue = queue, Status = JobStatus.Failed }, cancellationToken))
        {
            numbers.Add(end.Number);
        }

        return numbers;
    }

    /// <summary>Lists jobs that have not ended, as their home knows them.</summary>
    private async IAsyncEnumerable<JobInfo> OpenAsync(JobFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (List<JobRow> page in PagesAsync(filter, cancellationToken))
        {
            List<long> numbers = page.ConvertAll(r => r.Number);
            JobInfo?[] infos = await calls.AskAsync(new DescribeJobs(numbers), cancellationToken);
            List<long> gone = [.. numbers.Where((_, i) => infos[i] is null)];
            Dictionary<long, JobEndRow> ends = gone.Count == 0 || filter.Status is not null
                ? []
                : (await Store.ReadJobEndsAsync(HomeIndex, gone, cancellationToken)).OfType<JobEndRow>().ToDictionary(e => e.Number);
            for (int i = 0; i < numbers.Count; i++)
            {
                JobInfo? info = infos[i] ?? (ends.TryGetValue(numbers[i], out JobEndRow? end) ? JobInfos.Of(end) : null);
                if (info is not null && (filter.Status is null || info.Status == filter.Status))
                {
                    yield return info;
                }
            }
        }
    }

    private async IAsyncEnumerable<List<JobRow>> PagesAsync(JobFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<JobRow> page = [];
        await foreach (JobRow row in Store.ListJobsAsync(filter, cancellationToken))
        {
            page.Add(row);
            if (page.Count == PageSize)
            {
                yield return page;
                page = [];
            }
        }

        if (page.Count > 0)
        {
            yield return page;
        }
    }
}
