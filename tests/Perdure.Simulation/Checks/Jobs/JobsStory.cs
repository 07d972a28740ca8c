using System.Text.Json;
using Perdure.Simulation.Jobs;
using Perdure.Simulation.Seen;
using Perdure.Storage;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>What the committed batches say, job by job, and who had the home when. Read from what was seen alone.</summary>
internal sealed class JobsStory
{
    private readonly Dictionary<long, JobStory> _jobs = [];
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

    public IEnumerable<JobStory> All => _jobs.Values;

    public IReadOnlyList<string> Contradictions => _wrong;

    public static JobsStory Read(Observed observed, JobPlan plan) => new(observed, plan);

    public JobStory? Find(long number) => _jobs.GetValueOrDefault(number);

    /// <summary>Who took the home last before some moment.</summary>
    public TakenShard? TakeBefore(long order) => Takes.FindLast(t => t.Order < order);

    /// <summary>Whether a process had the home. Until leases have a time, one that lost it may do and say what is out of date.</summary>
    public bool IsOwner(string process, long order) => TakeBefore(order)?.Process == process;

    /// <summary>A time at or before which nothing happens that is decided after some moment.</summary>
    public DateTimeOffset TimeBefore(long order) => Batches.FindLast(b => b.Order < order)?.Batch.Time ?? default;

    /// <summary>Whether a job was known when an attempt was decided, which is at most three batches before the attempt began.</summary>
    public bool IsKnownAt(JobStory job, HandlerCall call)
    {
        int before = Batches.FindLastIndex(b => b.Order < call.Order);
        return before >= 3 && job.Order < Batches[before - 3].Order;
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
        foreach (JobRow row in committed.Batch.NewJobs)
        {
            if (!_jobs.TryAdd(row.Number, new JobStory(row, committed.Order)))
            {
                _wrong.Add($"job {row.Number:x} came twice");
            }
        }

        foreach (JobUpdate update in committed.Batch.JobUpdates)
        {
            if (Open(update.Number, committed, "changes") is { } job)
            {
                job.States.Add(new StateStory(committed.Order, update.State, update.Payload));
            }
        }

        foreach (JobEndRow end in committed.Batch.JobEnds)
        {
            if (!committed.Batch.EndedJobs.Contains(end.Number))
            {
                _wrong.Add($"job {end.Number:x} has an end, and is still there");
            }
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
            if (Find(number) is { } job)
            {
                job.ForgottenOrder = committed.Order;
            }
        }
    }

    private JobStory? Open(long number, CommittedBatch committed, string does)
    {
        JobStory? job = Find(number);
        if (job is null || job.HasEnded)
        {
            _wrong.Add($"job {number:x} {does} in batch {committed.Batch.Number}, but {(job is null ? "never came" : "has ended")}");
            return null;
        }

        return job;
    }
}

/// <summary>One job, as it was committed.</summary>
internal sealed class JobStory(JobRow row, long order)
{
    public JobRow Row => row;

    public long Number => row.Number;

    public long Order => order;

    /// <summary>The state it came with, and those after it.</summary>
    public List<StateStory> States { get; } = [new StateStory(order, row.State, row.Payload)];

    /// <summary>When its end was committed; after everything while it has none.</summary>
    public long EndOrder { get; set; } = long.MaxValue;

    public JobEndRow? End { get; set; }

    public long ForgottenOrder { get; set; } = long.MaxValue;

    public bool HasEnded => EndOrder < long.MaxValue;

    /// <summary>Its state at some moment.</summary>
    public StateStory At(long moment) => States.FindLast(s => s.Order < moment) ?? States[0];

    /// <summary>What a handler must be given at some moment.</summary>
    public int IdAt(long moment) => States.FindLast(s => s.Order < moment && s.Payload is not null)!.Id!.Value;

    public override string ToString() => $"{row.Queue}-{row.Number:x}";
}

/// <summary>One state of a job.</summary>
internal sealed class StateStory
{
    public StateStory(long order, JobState state, byte[]? payload)
    {
        (Order, State, Payload) = (order, state, payload);
        if (payload is not null)
        {
            using var json = JsonDocument.Parse(payload);
            Id = json.RootElement.GetProperty("id").GetInt32();
        }

        if (state.More is { } more)
        {
            using var json = JsonDocument.Parse(more);
            IsCancelled = json.RootElement.TryGetProperty("cancelReason", out _);
            Dedup = json.RootElement.TryGetProperty("dedup", out JsonElement key) ? key.GetString() : null;
            IsUntilStarted = json.RootElement.TryGetProperty("untilStarted", out _);
            HasSaved = json.RootElement.TryGetProperty("saved", out _);
            ExpireAt = json.RootElement.TryGetProperty("expireAt", out JsonElement at) ? at.GetDateTimeOffset() : null;
            SubscriberCount = json.RootElement.TryGetProperty("subscriberCount", out JsonElement count) ? count.GetInt32() : 1;
            Subscribers = json.RootElement.TryGetProperty("subscribers", out JsonElement all) ? all.GetArrayLength() : 1;
        }
    }

    public long Order { get; }

    public JobState State { get; }

    public byte[]? Payload { get; }

    public int? Id { get; }

    public bool IsCancelled { get; }

    public string? Dedup { get; }

    public bool IsUntilStarted { get; }

    public bool HasSaved { get; }

    public DateTimeOffset? ExpireAt { get; }

    public int SubscriberCount { get; } = 1;

    public int Subscribers { get; } = 1;
}
