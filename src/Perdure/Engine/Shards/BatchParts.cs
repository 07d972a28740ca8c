using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>Takes a batch that was refused apart, so that only the flow or job at fault is left out.</summary>
internal static class BatchParts
{
    /// <summary>One batch per run or job, in the order in which they appear; what belongs to none goes first.</summary>
    /// <remarks>
    /// Consumed messages are left in the inbox: they are handed over again, and a flow that took one already passes it over. A home cannot tell that it
    /// has made a job already, so what a job took in goes with the job; so do what is remembered of it, and other jobs of which the same is.
    /// </remarks>
    public static IEnumerable<(long Run, ShardBatch Part)> ByRun(ShardBatch batch)
    {
        IEnumerable<long> runs = batch.NewFlows.Select(f => f.Run)
            .Concat(batch.Updates.Select(u => u.Run))
            .Concat(batch.History.Select(h => h.Run))
            .Concat(batch.Decided.Select(h => h.Run))
            .Concat(batch.Backoffs.Select(b => b.Run))
            .Concat(batch.EndedBackoffs.Select(b => b.Run))
            .Concat(batch.NewJobs.Select(j => j.Number))
            .Concat(batch.JobUpdates.Select(u => u.Number))
            .Concat(batch.JobEnds.Select(e => e.Number))
            .Concat(batch.EndedJobs)
            .Concat(batch.ForgottenJobs)
            .Distinct();
        Dictionary<long, long> leaders = Leaders(batch.MemosOfJobs);
        HashSet<string> ofJobs = [.. batch.MemosOfJobs.Select(m => m.Memo)];
        if (batch.Memos.Exists(m => !ofJobs.Contains(m.Name)))
        {
            var memos = new ShardBatch(batch.Lease, 0, batch.Time);
            memos.Memos.AddRange(batch.Memos.Where(m => !ofJobs.Contains(m.Name)));
            yield return (0, memos);
        }

        foreach (IGrouping<long, long> part in runs.GroupBy(r => leaders.GetValueOrDefault(r, r)).ToList())
        {
            yield return (part.Key, Part(batch, [.. part]));
        }
    }

    private static ShardBatch Part(ShardBatch batch, HashSet<long> runs)
    {
        HashSet<string> memos = [.. batch.MemosOfJobs.Where(m => runs.Contains(m.Job)).Select(m => m.Memo)];
        var part = new ShardBatch(batch.Lease, 0, batch.Time);
        part.NewFlows.AddRange(batch.NewFlows.Where(f => runs.Contains(f.Run)));
        part.Updates.AddRange(batch.Updates.Where(u => runs.Contains(u.Run)));
        part.History.AddRange(batch.History.Where(h => runs.Contains(h.Run)));
        part.Decided.AddRange(batch.Decided.Where(h => runs.Contains(h.Run)));
        part.Backoffs.AddRange(batch.Backoffs.Where(b => runs.Contains(b.Run)));
        part.EndedBackoffs.AddRange(batch.EndedBackoffs.Where(b => runs.Contains(b.Run)));
        part.NewJobs.AddRange(batch.NewJobs.Where(j => runs.Contains(j.Number)));
        part.JobUpdates.AddRange(batch.JobUpdates.Where(u => runs.Contains(u.Number)));
        part.JobEnds.AddRange(batch.JobEnds.Where(e => runs.Contains(e.Number)));
        part.EndedJobs.AddRange(batch.EndedJobs.Where(runs.Contains));
        part.ForgottenJobs.AddRange(batch.ForgottenJobs.Where(runs.Contains));
        part.Received.AddRange(batch.ReceivedByJobs.Where(r => runs.Contains(r.Job)).Select(r => r.Id));
        part.Sent.AddRange(batch.Sent.Where(m => runs.Contains(InboxId.RunOf(m.Id))));
        part.Memos.AddRange(batch.Memos.Where(m => memos.Contains(m.Name)));
        return part;
    }

    /// <summary>For each job of which something is remembered: the first one of all that must stay together with it.</summary>
    private static Dictionary<long, long> Leaders(List<(string Memo, long Job)> memos)
    {
        Dictionary<long, long> leaders = [];
        foreach (IGrouping<string, long> memo in memos.GroupBy(m => m.Memo, m => m.Job))
        {
            HashSet<long> joined = [.. memo.Select(j => leaders.GetValueOrDefault(j, j))];
            long first = joined.Min();
            foreach (long job in leaders.Where(l => joined.Contains(l.Value)).Select(l => l.Key).Concat(memo).ToList())
            {
                leaders[job] = first;
            }
        }

        return leaders;
    }
}

/// <summary>Ids of messages between flows: the same each time the sender decides the same, and in the order in which it does.</summary>
internal static class InboxId
{
    public static string Of(long run, int position, int index) => $"{run:x16}.{position:x8}.{index:x4}";

    public static long RunOf(string id) => long.Parse(id.AsSpan(0, 16), System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture);
}
