using Perdure.Queues;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>Takes a batch that was refused apart, so that only the flow or job at fault is left out.</summary>
/// <remarks>
/// <para>
/// Events come before all that follows from them. Were a delivery there whose event was refused, the event that gets its position would be lost: so jobs
/// that come with events of the same batch are in one part with them. A delivery goes with its job otherwise: were it there without the job,
/// nobody would do it.
/// </para>
/// <para>
/// What a job asked for comes together with its end or not at all. Its events have places in the log among others that came with the batch, so where there are such
/// jobs nothing is committed of what belongs to no job, nor of them: all that is found out is whether the store takes their results. They are done again.
/// </para>
/// <para>Which events are forgotten is left to be found anew, since what they wait for may be refused.</para>
/// </remarks>
internal static class BatchParts
{
    /// <summary>One batch per run or job, in the order in which they appear; what belongs to none goes first, as run 0.</summary>
    /// <remarks>
    /// Consumed messages are left in the inbox: they are handed over again, and a flow that took one already passes it over. A home cannot tell that it
    /// has made a job or an event already, so what a job or an event took in goes with it; so do what is remembered of it, and other jobs of which the same is.
    /// </remarks>
    public static IEnumerable<(long Run, ShardBatch Part)> ByRun(ShardBatch batch)
    {
        HashSet<(string, long)> events = [.. batch.NewEvents.Select(e => (e.Topic, e.Position))];
        Dictionary<long, long> leaders = Leaders(batch.MemosOfJobs.Concat(batch.ReceivedByJobs));
        HashSet<long> first = [InboxId.NoRun, .. batch.Deliveries.Where(d => events.Contains((d.Topic, d.Position))).Select(d => LeaderOf(d.Job))];
        HashSet<string> ofJobs = [.. batch.MemosOfJobs.Select(m => m.Memo)];
        ShardBatch shared = PartOf(batch, number => first.Contains(LeaderOf(number)));
        HashSet<long> withEffects = [.. batch.JobsWithEffects.Select(LeaderOf)];
        shared.Memos.AddRange(batch.Memos.Where(m => !ofJobs.Contains(m.Name) && !Events.Topics.IsOfSubscriptions(m)));
        shared.NewEvents.AddRange(batch.NewEvents);
        shared.EventUpdates.AddRange(batch.EventUpdates);
        shared.EventWaits.AddRange(batch.EventWaits);
        shared.EndedEventWaits.AddRange(batch.EndedEventWaits);
        if (withEffects.Count > 0)
        {
            shared = new ShardBatch(batch.Lease, 0, batch.Time);
            shared.Memos.AddRange(batch.Memos.Where(HomeQueues.IsOfRate)); // of starts that other parts have
        }

        shared.Memos.AddRange(Events.Topics.CursorsBehind(batch, withEvents: withEffects.Count == 0));
        if (!IsEmpty(shared))
        {
            yield return (InboxId.NoRun, shared);
        }

        foreach (IGrouping<long, long> part in RunsOf(batch).Distinct().GroupBy(LeaderOf).Where(g => !first.Contains(g.Key) && !withEffects.Contains(g.Key)).ToList())
        {
            HashSet<long> runs = [.. part];
            yield return (part.Key, PartOf(batch, runs.Contains));
        }

        foreach (JobEndRow end in batch.JobEnds.Where(e => batch.JobsWithEffects.Contains(e.Number)))
        {
            yield return (end.Number, TrialOf(batch, end));
        }

        long LeaderOf(long run) => leaders.GetValueOrDefault(run, run);
    }

    private static IEnumerable<long> RunsOf(ShardBatch batch) => batch.NewFlows.Select(f => f.Run)
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
        .Concat(batch.Deliveries.Select(d => d.Job))
        .Concat(batch.ReceivedByJobs.Select(r => r.Job));

    private static ShardBatch PartOf(ShardBatch batch, Predicate<long> has)
    {
        var part = new ShardBatch(batch.Lease, 0, batch.Time);
        part.NewFlows.AddRange(batch.NewFlows.Where(f => has(f.Run)));
        part.Updates.AddRange(batch.Updates.Where(u => has(u.Run)));
        part.History.AddRange(batch.History.Where(h => has(h.Run)));
        part.Decided.AddRange(batch.Decided.Where(h => has(h.Run)));
        part.Backoffs.AddRange(batch.Backoffs.Where(b => has(b.Run)));
        part.EndedBackoffs.AddRange(batch.EndedBackoffs.Where(b => has(b.Run)));
        part.NewJobs.AddRange(batch.NewJobs.Where(j => has(j.Number)));
        part.JobUpdates.AddRange(batch.JobUpdates.Where(u => has(u.Number)));
        part.JobEnds.AddRange(batch.JobEnds.Where(e => has(e.Number)));
        part.EndedJobs.AddRange(batch.EndedJobs.Where(n => has(n)));
        part.ForgottenJobs.AddRange(batch.ForgottenJobs.Where(n => has(n)));
        part.Deliveries.AddRange(batch.Deliveries.Where(d => has(d.Job)));
        part.ReceivedByJobs.AddRange(batch.ReceivedByJobs.Where(r => has(r.Job)));
        part.Received.AddRange(part.ReceivedByJobs.Select(r => r.Id).Distinct());
        part.Sent.AddRange(batch.Sent.Where(m => has(InboxId.RunOf(m.Id))));
        HashSet<string> memos = [.. batch.MemosOfJobs.Where(m => has(m.Job)).Select(m => m.Memo)];
        part.Memos.AddRange(batch.Memos.Where(m => memos.Contains(m.Name)));
        return part;
    }

    /// <summary>Writes a job's end and forgets it at once: the store says whether it takes it.</summary>
    private static ShardBatch TrialOf(ShardBatch batch, JobEndRow end)
    {
        var trial = new ShardBatch(batch.Lease, 0, batch.Time);
        trial.JobEnds.Add(end);
        trial.ForgottenJobs.Add(end.Number);
        return trial;
    }

    /// <summary>Whether the first part has nothing to write. Its other rows come only along with these.</summary>
    private static bool IsEmpty(ShardBatch part) =>
        part.Memos.Count + part.NewEvents.Count + part.EventUpdates.Count + part.Deliveries.Count + part.EventWaits.Count + part.EndedEventWaits.Count
        + part.Received.Count + part.Sent.Count == 0;

    /// <summary>For each job of which something is remembered, or that a message led to: the first one of all that must stay together with it.</summary>
    private static Dictionary<long, long> Leaders(IEnumerable<(string Memo, long Job)> memos)
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
    /// <summary>What is in a batch for no run or job of its own.</summary>
    public const long NoRun = 0;

    private const int CallLength = 16 + 1 + 8 + 1 + 16;

    public static string OfHome(long number) => $"{NoRun:x16}.{number:x16}";

    /// <summary>A client's call from another node, whose own inbox the answer goes to.</summary>
    public static string OfCall(int inbox, long number) => $"{NoRun:x16}.{inbox:x8}.{number:x16}";

    /// <summary>A home gives jobs to another node, under the token of the first.</summary>
    public static string OfStart(long job, Guid token) => $"{job:x16}.{token:n}";

    /// <summary>What came of the jobs that a message gave.</summary>
    public static string OfReport(string start) => start + "r";

    /// <summary>A home tells a node that nobody wants a job any more.</summary>
    public static string OfStop(long job, Guid token) => $"{job:x16}.{token:n}s";

    /// <summary>A call in a client's own transaction: nobody waits for its answer.</summary>
    public static string OfTransaction(Guid call) => $"{NoRun:x16}.{call:n}";

    /// <summary>The wait for the end of a flow that a call has started.</summary>
    public static string OfWait(string call) => call + "w";

    /// <summary>The answer to a call: it goes with the run that it is about.</summary>
    public static string OfAnswer(long run, string call) => $"{run:x16}{call[16..]}";

    /// <summary>The id of the call that a client waits with, be it for the start or the end.</summary>
    public static string CallOf(string id) => id[..CallLength];

    /// <summary>Where the answer to a call goes; null for one that nobody waits for.</summary>
    public static int? InboxOfCall(string id)
        => IsAwaited(id) ? int.Parse(id.AsSpan(17, 8), System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture) : null;

    /// <summary>Whether it is of a client: a call from another node, the wait that one has led to, or a call in a transaction.</summary>
    public static bool IsCall(string id) => IsAwaited(id) || (id.Length == 16 + 1 + 32 && RunOf(id) == NoRun);

    public static string Of(long run, int position, int index) => $"{run:x16}.{position:x8}.{index:x4}";

    private static bool IsAwaited(string id) => id.Length is CallLength or CallLength + 1;

    public static long RunOf(string id) => long.Parse(id.AsSpan(0, 16), System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture);
}
