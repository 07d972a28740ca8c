using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Queues;

namespace Perdure.Client;

/// <summary>The calls of workers outside.</summary>
internal sealed class LeaseCalls(JobCalls calls)
{
    private const int PullMax = 1_000;

    public async Task<IReadOnlyList<LeasedJob>> PullAsync(string queue, string worker, int max, TimeSpan wait, CancellationToken cancellationToken)
    {
        WantedJobs.Require(max is >= 1 and <= PullMax, "a pull's max", "1 to 1,000");
        WantedJobs.Require(wait == Timeout.InfiniteTimeSpan || (wait >= TimeSpan.Zero && wait <= TimeSpan.FromDays(24)), "a pull's wait", "zero to 24 days, or infinite");
        if (calls.Registry.IsHandled(queue))
        {
            throw new PerdureException(ErrorCodes.QueueIsHandled, $"handlers of this process do the jobs of queue {queue}: workers pull from queues without any.");
        }

        cancellationToken.ThrowIfCancellationRequested();
        Shard home = calls.Node.HomeShard;
        var pull = new PullJobs(queue, FlowNames.CheckId(worker), max, wait);
        home.Post(pull);
        try
        {
            return await WithPayloadsAsync(home, await pull.Task.WaitAsync(cancellationToken), cancellationToken);
        }
        catch (Exception e) when (e is OperationCanceledException || pull.Task.IsCompletedSuccessfully)
        {
            home.Post(new StopAsking(pull));
            throw;
        }
    }

    /// <summary>Reads the jobs that are no longer in memory.</summary>
    private async Task<IReadOnlyList<LeasedJob>> WithPayloadsAsync(Shard home, List<LeasedRow> rows, CancellationToken cancellationToken)
    {
        List<LeasedRow> missing = rows.FindAll(r => r.Payload is null);
        Dictionary<long, byte[]?> read = [];
        if (missing.Count > 0)
        {
            IReadOnlyList<byte[]?> payloads = await calls.Node.Store.ReadPayloadsAsync(home.Index, missing.ConvertAll(r => r.Number), cancellationToken);
            read = missing.Zip(payloads).ToDictionary(p => p.First.Number, p => p.Second);
        }

        return [.. rows.Select(r => (Row: r, Payload: r.Payload ?? read[r.Number])).Where(r => r.Payload is not null).Select(r => new LeasedJob(calls, r.Row, r.Payload!))];
    }
}
