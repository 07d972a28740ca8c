using Perdure.Client;
using Perdure.Queues;

namespace Perdure;

/// <summary>Acts on one schedule.</summary>
public sealed class ScheduleHandle
{
    private readonly JobCalls _calls;
    private readonly ScheduleDefinition _definition;

    internal ScheduleHandle(JobCalls calls, ScheduleDefinition definition)
    {
        _calls = calls;
        _definition = definition;
    }

    /// <summary>The schedule's name.</summary>
    public string Name => _definition.Name;

    /// <summary>When its jobs are made.</summary>
    public Timetable Timetable => _definition.When;

    /// <summary>Makes no more jobs until it is resumed; jobs that are there are done. It holds over restarts.</summary>
    public Task PauseAsync(CancellationToken cancellationToken = default) => _calls.AskAsync(new PauseSchedule(Name, paused: true), cancellationToken);

    /// <summary>Ends a pause. The times that came meanwhile are missed.</summary>
    public Task ResumeAsync(CancellationToken cancellationToken = default) => _calls.AskAsync(new PauseSchedule(Name, paused: false), cancellationToken);

    /// <summary>Makes its job now, paused or not, whatever runs. The timetable goes on as it is, and the job counts where it says what overlaps.</summary>
    /// <exception cref="PerdureException">The queue is full (PRD1014), sheds (PRD1015) or drains (PRD1016), or the job cannot be made.</exception>
    public async Task<JobHandle> TriggerAsync(CancellationToken cancellationToken = default)
    {
        (string queue, long number) = await _calls.AskAsync(new TriggerSchedule(Name), cancellationToken);
        return JobHandle.Of(_calls, queue, number, subscriber: null);
    }

    /// <summary>The next so many times, fewer if there are no more, as if it were not paused. It asks the timetable only.</summary>
    public IReadOnlyList<DateTimeOffset> Next(int count) => _definition.When.Next(count, _calls.Node.Clock.Now());

    /// <summary>
    /// Makes up for the times that had no job in a stretch of time, also for those before the schedule was there: each gets one, once, the oldest first.
    /// All of them are made, or none.
    /// </summary>
    /// <param name="from">The first time, at the earliest.</param>
    /// <param name="to">The last time, at the latest. What has not come yet is not missed.</param>
    /// <param name="cancellationToken">Stops waiting for the answer; the jobs may come all the same. Asking again makes none twice.</param>
    /// <returns>How many jobs were made.</returns>
    /// <exception cref="PerdureException">There are more than 10,000 (PRD4004), the queue has no room for them (PRD1014), sheds (PRD1015) or drains (PRD1016), or a job cannot be made.</exception>
    public Task<int> BackfillAsync(DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken = default)
        => _calls.AskAsync(new BackfillSchedule(Name, from, to), cancellationToken);

    /// <summary>Describes the schedule as it is now.</summary>
    public Task<ScheduleInfo> DescribeAsync(CancellationToken cancellationToken = default) => _calls.AskAsync(new DescribeSchedule(Name), cancellationToken);
}
