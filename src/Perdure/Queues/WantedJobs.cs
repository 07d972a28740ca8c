using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Serialization;

namespace Perdure.Queues;

/// <summary>Makes jobs of what clients and flows want.</summary>
internal static class WantedJobs
{
    /// <summary>Resolves what a job's contract and its caller say, and refuses what does not hold together.</summary>
    public static NewJob Prepare(QueueRegistry registry, FlowJson json, IJob job, JobOptions? given)
    {
        JobType type = registry.TypeOf(job);
        JobOptions options = type.OptionsOf(job, given);
        string queue = options.Queue!;
        QueueOptions policy = registry.Queues.GetValueOrDefault(queue) ?? throw registry.Unknown(queue);
        if (registry.IsHandled(queue) && registry.HandlerOf(queue, type.Name) is null)
        {
            throw new PerdureException(ErrorCodes.UnknownHandler, $"queue {queue} has no handler for job {type.Name}: add one with AddHandler.");
        }

        int priority = options.Priority ?? policy.Priority;
        Require(Math.Abs((long)priority) <= QueueOptions.PriorityMax, "a job\'s Priority", "-1,000,000 to 1,000,000");
        Require(options.Delay is null || options.RunAt is null, "a job\'s Delay", "given without RunAt");
        Require(options.Limit is null || options.Limit > TimeSpan.Zero, "a job\'s Limit", "more than zero");
        Require(options.ExpireAfter is null || options.ExpireAfter > TimeSpan.Zero, "a job\'s ExpireAfter", "more than zero");
        Require(options.Timeout is null || (options.Timeout > TimeSpan.Zero && options.Timeout < TimeSpan.FromDays(24)), "a job\'s Timeout", "more than zero and less than 24 days");
        Require(options.KeepResult is null || (options.KeepResult >= TimeSpan.Zero && options.KeepResult <= QueueOptions.KeepMax), "a job\'s KeepResult", "zero to 100 years");
        options.Retry?.Check();
        return new NewJob(queue, type, type.Serialize(job, json))
        {
            Key = options.Key is { } key ? FlowNames.CheckId(key) : null,
            Priority = priority,
            Delay = options.Delay,
            RunAt = options.RunAt is { } at ? StoredTimes.Up(at) : null,
            DedupKey = options.DedupKey is { } dedup ? FlowNames.CheckId(dedup) : null,
            Dedup = options.Dedup!,
            Limit = options.Limit,
            ExpireAfter = options.ExpireAfter,
            Timeout = options.Timeout,
            Retry = options.Retry,
            KeepResult = options.KeepResult,
        };
    }

    public static void Require(bool holds, string option, string range)
    {
        if (!holds)
        {
            throw new PerdureException(ErrorCodes.BadOption, $"{option} must be {range}.");
        }
    }
}
