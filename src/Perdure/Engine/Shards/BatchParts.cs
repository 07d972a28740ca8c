using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>Takes a batch that was refused apart, so that only the flow or job at fault is left out.</summary>
internal static class BatchParts
{
    /// <summary>One batch per run or job, in the order in which they appear; what belongs to none goes first.</summary>
    /// <remarks>
    /// Consumed messages are left in the inbox: they are handed over again, and a flow that took one already passes it over. A home cannot tell that it
    /// has made a job already, so what a job took in goes with the job.
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
        if (batch.Memos.Count > 0)
        {
            var memos = new ShardBatch(batch.Lease, 0, batch.Time);
            memos.Memos.AddRange(batch.Memos);
            yield return (0, memos);
        }

        foreach (long run in runs.ToList())
        {
            var part = new ShardBatch(batch.Lease, 0, batch.Time);
            part.NewFlows.AddRange(batch.NewFlows.Where(f => f.Run == run));
            part.Updates.AddRange(batch.Updates.Where(u => u.Run == run));
            part.History.AddRange(batch.History.Where(h => h.Run == run));
            part.Decided.AddRange(batch.Decided.Where(h => h.Run == run));
            part.Backoffs.AddRange(batch.Backoffs.Where(b => b.Run == run));
            part.EndedBackoffs.AddRange(batch.EndedBackoffs.Where(b => b.Run == run));
            part.NewJobs.AddRange(batch.NewJobs.Where(j => j.Number == run));
            part.JobUpdates.AddRange(batch.JobUpdates.Where(u => u.Number == run));
            part.JobEnds.AddRange(batch.JobEnds.Where(e => e.Number == run));
            part.EndedJobs.AddRange(batch.EndedJobs.Where(n => n == run));
            part.ForgottenJobs.AddRange(batch.ForgottenJobs.Where(n => n == run));
            part.Received.AddRange(batch.ReceivedByJobs.Where(r => r.Job == run).Select(r => r.Id));
            part.Sent.AddRange(batch.Sent.Where(m => InboxId.RunOf(m.Id) == run));
            yield return (run, part);
        }
    }
}

/// <summary>Ids of messages between flows: the same each time the sender decides the same, and in the order in which it does.</summary>
internal static class InboxId
{
    public static string Of(long run, int position, int index) => $"{run:x16}.{position:x8}.{index:x4}";

    public static long RunOf(string id) => long.Parse(id.AsSpan(0, 16), System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture);
}
