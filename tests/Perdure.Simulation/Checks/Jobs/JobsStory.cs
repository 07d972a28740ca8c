using System.Text.Json;
using Perdure.Serialization;
using Perdure.Simulation.Jobs;
using Perdure.Simulation.Seen;
using Perdure.Storage;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>What the committed batches say, job by job, and who had the home when. Read from what was seen alone.</summary>
internal sealed class JobsStory
{
    private const string PolicyMemo = "policy/";

    /// <summary>An attempt is decided at most so many batches before it begins.</summary>
    private const int BatchesOnTheWay = 3;

    private readonly Dictionary<long, List<JobStory>> _jobs = [];
    private readonly Dictionary<string, List<(long Order, QueueOptions Policy)>> _policies = new(StringComparer.Ordinal);
    private readonly List<string> _wrong = [];

    private JobsStory(Observed observed, JobPlan plan)
    {
        (Observed, Plan) = (observed, plan);
        HashSet<long> withJobs = [.. observed.Batches.Where(b => b.Batch.NewJobs.Count > 0).Select(b => (long)b.Batch.Lease.Shard)];
        Home = withJobs.Count == 0 ? observed.Takes.Max(t => t.Shard) : (int)withJobs.Single();
        Takes = observed.Takes.FindAll(t => t.Shard == Home);
        Batches = observed.Batches.FindAll(b => b.Batch.Lease.Shard == Home);
        Batches.ForEach(Read);
    }

    public Observed Observed { get; }

    public JobPlan Plan { get; }

    /// <summary>The shard where the queues live.</summary>
    public int Home { get; }

    public List<TakenShard> Takes { get; }

    /// <summary>The home's batches.</summary>
    public List<CommittedBatch> Batches { get; }

    /// <summary>All jobs; one that was redriven is there once for each of its lives.</summary>
    public IEnumerable<JobStory> All => _jobs.Values.SelectMany(j => j);

    public IReadOnlyList<string> Contradictions => _wrong;

    public static JobsStory Read(Observed observed, JobPlan plan) => new(observed, plan);

    /// <summary>A job in its first life.</summary>
    public JobStory? Find(long number) => LivesOf(number) is [var first, ..] ? first : null;

    /// <summary>A job in the life that it had at some moment, or came to next.</summary>
    public JobStory? Find(long number, long moment) => LivesOf(number) is { Count: > 0 } lives ? lives.LastOrDefault(l => l.Order < moment) ?? lives[0] : null;

    public IReadOnlyList<JobStory> LivesOf(long number) => _jobs.GetValueOrDefault(number) ?? [];

    /// <summary>The policies by which something was decided that was seen at some moment: that of then, and what it was changed from just before.</summary>
    public IReadOnlyList<QueueOptions> PoliciesAt(string queue, long moment)
    {
        List<(long Order, QueueOptions Policy)> all = _policies.GetValueOrDefault(queue) ?? [];
        int last = Batches.FindLastIndex(b => b.Order < moment);
        long from = last < BatchesOnTheWay ? 0 : Batches[last - BatchesOnTheWay].Order;
        QueueOptions before = all.LastOrDefault(p => p.Order < from).Policy ?? Plan.Queues[queue];
        return [before, .. all.Where(p => p.Order >= from && p.Order < moment).Select(p => p.Policy)];
    }

    /// <summary>Whether somebody ever changed a queue's policy.</summary>
    public bool WasChanged(string queue) => _policies.ContainsKey(queue);

    /// <summary>What a queue's policy became, and when that was durable.</summary>
    public IReadOnlyList<(long Order, QueueOptions Policy)> ChangesOf(string queue) => _policies.GetValueOrDefault(queue) ?? [];

    /// <summary>Who took the home last before some moment.</summary>
    public TakenShard? TakeBefore(long order) => Takes.FindLast(t => t.Order < order);

    /// <summary>Whether a process had the home. Until leases have a time, one that lost it may do and say what is out of date.</summary>
    public bool IsOwner(string process, long order) => TakeBefore(order)?.Process == process;

    /// <summary>Whether one process had the home all the time from a call to its answer.</summary>
    public bool IsOwner(JobCall call) => IsOwner(call.Process, call.Order) && TakeBefore(call.Order) == TakeBefore(call.AnswerOrder);

    /// <summary>A time at or before which nothing happens that is decided after some moment.</summary>
    public DateTimeOffset TimeBefore(long order) => Batches.FindLast(b => b.Order < order)?.Batch.Time ?? default;

    /// <summary>Whether a job was known when an attempt was decided.</summary>
    public bool IsKnownAt(JobStory job, HandlerCall call) => IsKnownAt(job.Order, call);

    /// <summary>Whether something happened before an attempt was decided.</summary>
    public bool IsKnownAt(long moment, HandlerCall call)
    {
        int before = Batches.FindLastIndex(b => b.Order < call.Order);
        return before >= BatchesOnTheWay && moment < Batches[before - BatchesOnTheWay].Order;
    }

    /// <summary>
    /// A time before which an attempt was not decided. One whose job was read again from the store may have waited for that for long, and goes on when its process has lost the
    /// home and taken it again meanwhile.
    /// </summary>
    public DateTimeOffset EarliestOf(HandlerCall call, JobStory job)
    {
        int before = Batches.FindLastIndex(b => b.Order < call.Order);
        long taken = TakeBefore(call.Order)?.Order ?? 0;
        long firstTaken = Takes.Find(t => t.Process == call.Process)?.Order ?? 0;
        bool isInMemory = call.Attempt == 1 && job.Order > taken && before >= BatchesOnTheWay;
        DateTimeOffset earliest = isInMemory ? Batches[before - BatchesOnTheWay].Batch.Time : TimeBefore(Math.Max(firstTaken, job.At(call.Order).Order));
        return earliest > Batches[0].Batch.Time ? earliest : Batches[0].Batch.Time;
    }

    /// <summary>The pause that holds for sure when an attempt begins; null if none does.</summary>
    public JobCall? ModeAt(HandlerCall call)
    {
        List<JobCall> modes = Observed.Jobs.Calls.FindAll(c => c.Queue == call.Queue && c.Verb is JobVerb.Pause or JobVerb.Drain or JobVerb.Resume && c.Order < call.Order);
        return modes.Count > 0 && modes[^1] is { Verb: JobVerb.Pause, IsDone: true } last && last.AnswerOrder < call.Order
            && modes.TrueForAll(m => m == last || (m.IsDone && m.AnswerOrder < last.Order)) ? last : null;
    }

    private void Read(CommittedBatch committed)
    {
        foreach (JobUpdate update in committed.Batch.JobUpdates.Where(u => !committed.Batch.NewJobs.Exists(j => j.Number == u.Number)))
        {
            Change(update, committed);
        }

        foreach (JobRow row in committed.Batch.NewJobs)
        {
            Come(row, committed);
        }

        foreach (JobUpdate update in committed.Batch.JobUpdates.Where(u => committed.Batch.NewJobs.Exists(j => j.Number == u.Number)))
        {
            Change(update, committed);
        }

        foreach (JobEndRow end in committed.Batch.JobEnds.Where(e => !committed.Batch.EndedJobs.Contains(e.Number)))
        {
            _wrong.Add($"job {end.Number:x} has an end, and is still there");
        }

        foreach (long number in committed.Batch.EndedJobs)
        {
            if (Open(number, committed, "ends") is { } job)
            {
                job.EndOrder = committed.Order;
                job.End = committed.Batch.JobEnds.Find(e => e.Number == number);
            }
        }

        foreach (long number in committed.Batch.ForgottenJobs)
        {
            if (LivesOf(number).LastOrDefault(l => l.EndOrder < committed.Order) is { } job)
            {
                job.ForgottenOrder = Math.Min(job.ForgottenOrder, committed.Order);
            }
        }

        foreach (MemoRow memo in committed.Batch.Memos.Where(m => m.Name.StartsWith(PolicyMemo, StringComparison.Ordinal)))
        {
            ReadPolicy(memo.Name[PolicyMemo.Length..], memo.Value, committed.Order);
        }
    }

    private void ReadPolicy(string queue, byte[]? value, long order)
    {
        if (!_policies.TryGetValue(queue, out List<(long, QueueOptions)>? all))
        {
            _policies.Add(queue, all = []);
        }

        all.Add((order, value is null ? Plan.Queues[queue] : JsonSerializer.Deserialize<QueueOptions>(value, FlowJson.DefaultOptions())!));
    }

    /// <summary>A job comes: for the first time, or again after its end, which is forgotten by that.</summary>
    private void Come(JobRow row, CommittedBatch committed)
    {
        if (!_jobs.TryGetValue(row.Number, out List<JobStory>? lives))
        {
            _jobs.Add(row.Number, lives = []);
        }

        bool isReplaced = committed.Batch.ForgottenJobs.Contains(row.Number) || committed.Batch.JobEnds.Exists(e => e.Number == row.Number);
        if (lives.Count > 0 && (lives[^1] is not { End.Status: JobStatus.Failed } before || before.ForgottenOrder < committed.Order || !isReplaced))
        {
            _wrong.Add($"job {row.Number:x} came twice");
        }

        lives.Add(new JobStory(row, committed.Order, lives.LastOrDefault()));
    }

    private void Change(JobUpdate update, CommittedBatch committed)
    {
        if (Open(update.Number, committed, "changes") is { } job)
        {
            job.States.Add(new StateStory(committed.Order, update.State, update.Payload));
        }
    }

    private JobStory? Open(long number, CommittedBatch committed, string does)
    {
        JobStory? job = LivesOf(number) is [.., var last] ? last : null;
        if (job is null || job.HasEnded)
        {
            _wrong.Add($"job {number:x} {does} in batch {committed.Batch.Number}, but {(job is null ? "never came" : "has ended")}");
            return null;
        }

        return job;
    }
}
