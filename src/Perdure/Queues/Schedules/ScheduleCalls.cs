using Perdure.Cluster;

namespace Perdure.Queues;

/// <summary>What a client asks of a schedule.</summary>
internal abstract class ScheduleCall<TAnswer>(string schedule) : HomeCall<TAnswer>
{
    public override string What => $"schedule {schedule}";

    protected string Schedule => schedule;

    protected sealed override void Deliver()
    {
        try
        {
            AnswerThen(Take(Home.Schedules, Home.Schedules.Find(schedule), Shard.Now()));
        }
        catch (PerdureException e)
        {
            RefuseThen(e);
        }
    }

    protected abstract TAnswer Take(Schedules schedules, ScheduleState state, DateTimeOffset now);
}

/// <summary>Pauses or resumes a schedule.</summary>
internal sealed class PauseSchedule(string schedule, bool paused) : ScheduleCall<bool>(schedule)
{
    protected override CallText Text => CallText.Of("pause-schedule", (Schedule, paused));

    protected override bool Take(Schedules schedules, ScheduleState state, DateTimeOffset now)
    {
        schedules.SetPaused(state, paused, now);
        return true;
    }
}

/// <summary>Makes a schedule's job now.</summary>
internal sealed class TriggerSchedule(string schedule) : ScheduleCall<(string Queue, long Number)>(schedule)
{
    private long[] _took = [];

    protected override CallText Text => CallText.Of("trigger", Schedule);

    protected override IReadOnlyList<long> Took => _took;

    protected override (string Queue, long Number) Take(Schedules schedules, ScheduleState state, DateTimeOffset now)
    {
        Job job = schedules.Trigger(state, now);
        _took = [job.Number];
        return (job.Queue, job.Number);
    }
}

/// <summary>Makes the jobs that a schedule missed.</summary>
internal sealed class BackfillSchedule(string schedule, DateTimeOffset from, DateTimeOffset to) : ScheduleCall<int>(schedule)
{
    protected override CallText Text => CallText.Of("backfill", (Schedule, from, to));

    protected override int Take(Schedules schedules, ScheduleState state, DateTimeOffset now) => schedules.Backfill(state, from, to, now);
}

/// <summary>Describes a schedule.</summary>
internal sealed class DescribeSchedule(string schedule) : ScheduleCall<ScheduleInfo>(schedule)
{
    protected override CallText Text => CallText.Of("describe-schedule", Schedule);

    protected override ScheduleInfo Take(Schedules schedules, ScheduleState state, DateTimeOffset now)
    {
        ScheduleMemo memo = state.Memo;
        return new ScheduleInfo(state.Definition.Name, memo.Paused)
        {
            LastFired = memo.LastFired,
            LastJob = memo.LastQueue is { } queue && memo.LastJob != 0 ? JobId.Text(queue, memo.LastJob) : null,
            Next = state.Next,
            Open = state.Open.Count,
            Missed = state.CountMissed(now),
            Error = memo.Error,
        };
    }
}
