using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Serialization;

namespace Perdure.Queues;

/// <summary>Resolves what a job's contract and its caller say, and refuses what does not hold together.</summary>
internal static class WantedJobs
{
    public static NewJob Prepare(QueueRegistry registry, FlowJson json, IJob job, JobOptions? given, string? traceParent = null)
    {
        (JobType type, JobOptions options) = Resolve(registry, job, given);
        QueueOptions policy = registry.Queues[options.Queue!];
        return new NewJob(options.Queue!, type, type.Serialize(job, json))
        {
            Key = options.Key,
            Priority = options.Priority ?? policy.Priority,
            HasQueuePriority = options.Priority is null,
            Delay = options.Delay,
            RunAt = options.RunAt is { } at ? StoredTimes.Up(at) : null,
            DedupKey = options.DedupKey,
            Dedup = options.Dedup!,
            Limit = options.Limit,
            ExpireAfter = options.ExpireAfter,
            Timeout = options.Timeout,
            Retry = options.Retry,
            KeepResult = options.KeepResult,
            TraceParent = traceParent,
        };
    }

    /// <summary>The job's contract, and its options with all that it says.</summary>
    public static (JobType Type, JobOptions Options) Resolve(QueueRegistry registry, IJob job, JobOptions? given)
    {
        JobType type = registry.TypeOf(job);
        JobOptions options = type.OptionsOf(job, given);
        CheckHandled(registry, options.Queue!, type);
        Require(options.Priority is null || Math.Abs((long)options.Priority) <= QueueOptions.PriorityMax, "a job\'s Priority", "-1,000,000 to 1,000,000");
        Require(options.Delay is null || options.RunAt is null, "a job\'s Delay", "given without RunAt");
        Require(options.Delay is null || options.Delay >= TimeSpan.Zero, "a job\'s Delay", "zero or more");
        Require(options.Limit is null || options.Limit > TimeSpan.Zero, "a job\'s Limit", "more than zero");
        Require(options.ExpireAfter is null || options.ExpireAfter > TimeSpan.Zero, "a job\'s ExpireAfter", "more than zero");
        Require(options.Timeout is null || (options.Timeout > TimeSpan.Zero && options.Timeout < TimeSpan.FromDays(24)), "a job\'s Timeout", "more than zero and less than 24 days");
        Require(options.KeepResult is null || (options.KeepResult >= TimeSpan.Zero && options.KeepResult <= QueueOptions.KeepMax), "a job\'s KeepResult", "zero to 100 years");
        options.Retry?.Check();
        _ = options.Key is { } key ? FlowNames.CheckId(key) : null;
        _ = options.DedupKey is { } dedup ? FlowNames.CheckId(dedup) : null;
        return (type, options);
    }

    /// <summary>Refuses jobs for a queue that is not there, or that nobody would do.</summary>
    public static void CheckHandled(QueueRegistry registry, string queue, JobType type)
    {
        if (!registry.Queues.ContainsKey(queue))
        {
            throw registry.Unknown(queue);
        }

        if (registry.IsHandled(queue) && registry.HandlerOf(queue, type.Name) is null)
        {
            throw new PerdureException(ErrorCodes.UnknownHandler, $"queue {queue} has no handler for job {type.Name}: add one with AddHandler.");
        }
    }

    public static void Require(bool holds, string option, string range)
    {
        if (!holds)
        {
            throw new PerdureException(ErrorCodes.BadOption, $"{option} must be {range}.");
        }
    }
}
