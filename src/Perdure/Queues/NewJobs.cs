using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Serialization;

namespace Perdure.Queues;

/// <summary>Resolves what a job's contract and its caller say, and refuses what does not hold together.</summary>
internal static class NewJobs
{
    public static NewJob Prepare(QueueRegistry registry, FlowJson json, IJob job, JobOptions? given)
    {
        (JobType type, JobOptions options) = Resolve(registry, job, given);
        return new NewJob(options.Queue!, type, type.Serialize(job, json))
        {
            Key = options.Key,
            Priority = options.Priority!.Value,
            Delay = options.Delay,
            RunAt = options.RunAt is { } at ? StoredTimes.Up(at) : null,
            DedupKey = options.DedupKey,
            Dedup = options.Dedup!,
            Limit = options.Limit,
            ExpireAfter = options.ExpireAfter,
            Timeout = options.Timeout,
            Retry = options.Retry,
            KeepResult = options.KeepResult,
            TraceParent = PerdureSource.Current,
        };
    }

    /// <summary>The job's contract, and its options with all that it says.</summary>
    public static (JobType Type, JobOptions Options) Resolve(QueueRegistry registry, IJob job, JobOptions? given)
    {
        JobType type = registry.TypeOf(job);
        JobOptions options = type.OptionsOf(job, given);
        QueueOptions policy = CheckHandled(registry, options.Queue!, type);
        int priority = options.Priority ?? policy.Priority;
        Require(Math.Abs((long)priority) <= QueueOptions.PriorityMax, nameof(JobOptions.Priority), "-1,000,000 to 1,000,000");
        Require(options.Delay is null || options.RunAt is null, nameof(JobOptions.Delay), "given without RunAt");
        Require(options.Limit is null || options.Limit > TimeSpan.Zero, nameof(JobOptions.Limit), "more than zero");
        Require(options.ExpireAfter is null || options.ExpireAfter > TimeSpan.Zero, nameof(JobOptions.ExpireAfter), "more than zero");
        Require(options.Timeout is null || (options.Timeout > TimeSpan.Zero && options.Timeout < TimeSpan.FromDays(24)), nameof(JobOptions.Timeout), "more than zero and less than 24 days");
        Require(options.KeepResult is null || (options.KeepResult >= TimeSpan.Zero && options.KeepResult <= QueueOptions.KeepMax), nameof(JobOptions.KeepResult), "zero to 100 years");
        options.Retry?.Check();
        return (type, options with
        {
            Priority = priority,
            Key = options.Key is { } key ? FlowNames.CheckId(key) : null,
            DedupKey = options.DedupKey is { } dedup ? FlowNames.CheckId(dedup) : null,
        });
    }

    /// <summary>Refuses jobs for a queue that is not there, or that nobody would do.</summary>
    public static QueueOptions CheckHandled(QueueRegistry registry, string queue, JobType type)
    {
        QueueOptions policy = registry.Queues.GetValueOrDefault(queue) ?? throw registry.Unknown(queue);
        return !registry.IsHandled(queue) || registry.HandlerOf(queue, type.Name) is not null
            ? policy
            : throw new PerdureException(ErrorCodes.UnknownHandler, $"queue {queue} has no handler for job {type.Name}: add one with AddHandler.");
    }

    private static void Require(bool holds, string option, string range)
    {
        if (!holds)
        {
            throw new PerdureException(ErrorCodes.BadOption, $"a job's {option} must be {range}.");
        }
    }
}
