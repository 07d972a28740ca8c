using System.Text.Json.Serialization;
using Perdure.Diagnostics;

namespace Perdure;

/// <summary>A queue's policy. All of it holds across all nodes, and can be changed while the queue runs.</summary>
public sealed class QueueOptions
{
    /// <summary>How many jobs run at once; 32 by default. Null for no limit but the workers'.</summary>
    public int? Concurrency { get; set; } = 32;

    /// <summary>How many jobs start per time; null for no limit.</summary>
    public Rate? Rate { get; set; }

    /// <summary>How many jobs of one key run at once; null for no limit.</summary>
    public int? ConcurrencyPerKey { get; set; }

    /// <summary>How many jobs of one key start per time; null for no limit.</summary>
    public Rate? RatePerKey { get; set; }

    /// <summary>Whether jobs of one key are done one at a time, in the order in which they came. A job that is tried again holds up those after it. False by default.</summary>
    public bool InOrder { get; set; }

    /// <summary>Whether keys (tenants) take turns among jobs of equal priority, instead of first come, first served. False by default.</summary>
    public bool FairKeys { get; set; }

    /// <summary>The priority of jobs that say nothing, -1,000,000 to 1,000,000; 0 by default. The lowest number goes first, ties by arrival.</summary>
    public int Priority { get; set; }

    /// <summary>After how long a waiting job counts as one priority better; null, the default, for never. 1 ms to 1 day.</summary>
    public TimeSpan? Ageing { get; set; }

    /// <summary>How priorities change by the time of day. None by default.</summary>
    public List<PriorityRule> PriorityRules { get; init; } = [];

    /// <summary>What each job takes from pools while it runs. None by default.</summary>
    public List<PoolUse> Uses { get; init; } = [];

    /// <summary>When jobs start; null, the default, for always. Jobs that run at closing time run on.</summary>
    public OpenHours? OpenHours { get; set; }

    /// <summary>The service whose breaker and limits jobs wait for, as named with <c>AddDependency</c>; null for none.</summary>
    public string? Dependency { get; set; }

    /// <summary>How attempts that fail are repeated; <see cref="Retry.Default"/> by default.</summary>
    public Retry Retry { get; set; } = Retry.Default;

    /// <summary>The time for one attempt; 5 minutes by default.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a job may wait for its first attempt and between attempts, from when it came; then it is a dead letter. Null, the default, for ever.</summary>
    public TimeSpan? ExpireAfter { get; set; }

    /// <summary>How long results are kept for who asks later; 1 hour by default. Zero for jobs whose result nobody needs later. Ends without a result are kept for no time.</summary>
    public TimeSpan KeepResults { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long dead letters are kept; 30 days by default.</summary>
    public TimeSpan KeepDeadLetters { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How many jobs may wait; 1,000,000 by default.</summary>
    public int BacklogMax { get; set; } = 1_000_000;

    /// <summary>What happens to a job that comes when as many wait; it is rejected by default.</summary>
    public WhenFull WhenFull { get; set; } = WhenFull.Reject;

    /// <summary>How many jobs a batch handler gets at once at most; 100 by default.</summary>
    public int BatchMax { get; set; } = 100;

    /// <summary>How long a worker outside this process may go without renewing its lease; 30 s by default.</summary>
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How many jobs whose worker died or fell silent, one after the other, make a dead letter; 5 by default.</summary>
    public int LostLeasesMax { get; set; } = 5;

    internal void Check(string queue)
    {
        Require(Concurrency is null or >= 1, nameof(Concurrency), "at least 1, or null; to stop the queue, pause it");
        Require(ConcurrencyPerKey is null or >= 1, nameof(ConcurrencyPerKey), "at least 1, or null");
        Require(Math.Abs((long)Priority) <= PriorityMax, nameof(Priority), "-1,000,000 to 1,000,000");
        Require(Ageing is null || (Ageing >= TimeSpan.FromMilliseconds(1) && Ageing <= TimeSpan.FromDays(1)), nameof(Ageing), "1 ms to 1 day, or null");
        Require(Timeout > TimeSpan.Zero && Timeout < TimeSpan.FromDays(24), nameof(Timeout), "more than zero and less than 24 days");
        Require(ExpireAfter is null || ExpireAfter > TimeSpan.Zero, nameof(ExpireAfter), "more than zero, or null");
        Require(KeepResults >= TimeSpan.Zero && KeepResults <= KeepMax, nameof(KeepResults), "zero to 100 years");
        Require(KeepDeadLetters >= TimeSpan.Zero && KeepDeadLetters <= KeepMax, nameof(KeepDeadLetters), "zero to 100 years");
        Require(BacklogMax >= 1, nameof(BacklogMax), "at least 1");
        Require(BatchMax >= 1, nameof(BatchMax), "at least 1");
        Require(Lease >= TimeSpan.FromSeconds(1) && Lease <= TimeSpan.FromDays(1), nameof(Lease), "1 s to 1 day");
        Require(LostLeasesMax >= 1, nameof(LostLeasesMax), "at least 1");
        Require(!InOrder || ConcurrencyPerKey is null or 1, nameof(InOrder), "without ConcurrencyPerKey, or with 1");
        Require(Uses.Select(u => u.Pool).Distinct(StringComparer.Ordinal).Count() == Uses.Count && Uses.TrueForAll(u => u.Units >= 1), nameof(Uses), "pools, each once, with at least 1 unit");
        Require(PriorityRules.Count <= PriorityRulesMax, nameof(PriorityRules), "at most 64 rules");
        Rate?.Check($"queue {queue}");
        RatePerKey?.Check($"queue {queue}");
        Retry.Check();
        OpenHours?.Check();
        PriorityRules.ForEach(r => r.Check(queue));

        void Require(bool holds, string option, string range)
        {
            if (!holds)
            {
                throw new PerdureException(ErrorCodes.BadOption, $"queue {queue}: {option} must be {range}.");
            }
        }
    }

    [JsonIgnore]
    internal static TimeSpan KeepMax { get; } = TimeSpan.FromDays(36_525);

    internal const int PriorityMax = 1_000_000;

    internal const int PriorityRulesMax = 64;
}

/// <summary>What happens to a job that comes when its queue is full.</summary>
public enum WhenFull
{
    /// <summary>It is refused with an error (PRD1014).</summary>
    Reject = 0,

    /// <summary>The caller waits until there is room. A flow always waits.</summary>
    Block = 1,
}

/// <summary>So many starts per time: after a pause <see cref="Burst"/> at once, then evenly spread.</summary>
/// <param name="Count">How many starts, at least 1.</param>
/// <param name="Per">In how long, 1 ms to 1 day.</param>
/// <remarks>The generic cell rate algorithm (ITU-T I.371): in no span of <see cref="Per"/> are there more than <c>Burst + Count</c> starts, and with a burst of 1 no more than <c>Count + 1</c>.</remarks>
public sealed record Rate(int Count, TimeSpan Per)
{
    /// <summary>How many may start at once after a pause; 1 by default, which spreads all evenly.</summary>
    public int Burst { get; init; } = 1;

    internal void Check(string where)
    {
        if (Count < 1 || Burst < 1 || Per < TimeSpan.FromMilliseconds(1) || Per > TimeSpan.FromDays(1))
        {
            throw new PerdureException(ErrorCodes.BadOption, $"{where}: a rate has a count and a burst of at least 1, per 1 ms to 1 day, not {this}.");
        }
    }
}

/// <summary>What a job takes from a pool while it runs.</summary>
/// <param name="Pool">The pool.</param>
/// <param name="Units">How many units, at least 1.</param>
public sealed record PoolUse(string Pool, int Units = 1);

/// <summary>Something limited that jobs of several queues share: connections, a machine, a skilled person.</summary>
public sealed class PoolOptions
{
    /// <summary>How many units there are, at least 1.</summary>
    public int Capacity { get; set; } = 1;

    /// <summary>From how many units in use on the pool is saturated: only jobs of <see cref="AdmittedPriority"/> or better start. Null for never.</summary>
    public int? SaturatedAt { get; set; }

    /// <summary>The worst priority that is admitted while the pool is saturated; 0 by default.</summary>
    public int AdmittedPriority { get; set; }

    /// <summary>Whether jobs that come while the pool is saturated and are not admitted are refused with an error (PRD1015), instead of waiting. False by default.</summary>
    public bool Sheds { get; set; }

    internal void Check(string pool)
    {
        if (Capacity < 1 || SaturatedAt < 1 || SaturatedAt > Capacity)
        {
            throw new PerdureException(ErrorCodes.BadOption, $"pool {pool}: Capacity must be at least 1, and SaturatedAt 1 to Capacity, or null.");
        }
    }
}

/// <summary>Changes the priority of some jobs in a window of time.</summary>
/// <param name="Window">When.</param>
/// <param name="Change">What is added to the priority: less than zero makes it better.</param>
public sealed record PriorityRule(TimeWindow Window, int Change)
{
    /// <summary>Only jobs of this contract, by its durable name; null for all.</summary>
    public string? Type { get; init; }

    /// <summary>Only jobs whose key begins so; null for all.</summary>
    public string? KeyPrefix { get; init; }

    /// <summary>Only jobs of this priority or a worse one, before any change; null for all.</summary>
    public int? PriorityFrom { get; init; }

    internal bool Matches(string type, string? key, int priority)
        => (Type is null || Type == type)
            && (KeyPrefix is null || (key?.StartsWith(KeyPrefix, StringComparison.Ordinal) ?? false))
            && (PriorityFrom is null || priority >= PriorityFrom);

    internal void Check(string where)
    {
        Window.Check();
        if (Math.Abs((long)Change) > QueueOptions.PriorityMax)
        {
            throw new PerdureException(ErrorCodes.BadOption, $"{where}: a rule changes a priority by -1,000,000 to 1,000,000, not {Change}.");
        }
    }
}
