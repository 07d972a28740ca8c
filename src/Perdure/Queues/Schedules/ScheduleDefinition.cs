namespace Perdure.Queues;

/// <summary>A schedule as the application defines it.</summary>
/// <param name="Name">The durable name.</param>
/// <param name="When">When its jobs are made.</param>
/// <param name="JobType">The type of its jobs; one that is abstract stands for any.</param>
/// <param name="Make">Makes the job for a time.</param>
/// <param name="Options">How.</param>
internal sealed record ScheduleDefinition(string Name, Timetable When, Type JobType, Func<DateTimeOffset, IJob> Make, ScheduleOptions Options)
{
    /// <summary>The job, if it is the same each time.</summary>
    public IJob? Job { get; init; }

    /// <summary>Finds at the start what would fail each time.</summary>
    public void Check(QueueRegistry registry)
    {
        try
        {
            When.Check();
            Options.Check(Name);
            if (Job is { } job)
            {
                WantedJobs.Resolve(registry, job, Options.JobOptions);
            }
            else if (!JobType.IsAbstract)
            {
                JobType type = registry.TypeOf(JobType);
                WantedJobs.CheckHandled(registry, type.QueueOf(Options.JobOptions), type);
            }
        }
        catch (PerdureException e)
        {
            throw new PerdureException(e.Code, $"schedule {Name}: {e.Message[(e.Code.Length + 2)..]}", e);
        }
    }
}
