using System.Text.Json;
using Perdure.Simulation.Jobs;
using Perdure.Simulation.Seen;
using Perdure.Storage;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>
/// Each time of a schedule's timetable has one job, which comes no earlier, or is missed, and never both; none comes while the schedule is paused, nor, where
/// it is to skip what overlaps, while one before it is open.
/// </summary>
internal sealed class ScheduleChecker(JobsStory jobs) : Checker("times of schedules")
{
    protected override void Check()
    {
        foreach (Queues.ScheduleDefinition schedule in jobs.Plan.Schedules.Values)
        {
            List<JobStory> all = [.. jobs.All.Where(j => IsOf(schedule, j))];
            List<JobStory> made = all.FindAll(j => j.Before is null);
            CheckTimes(schedule, made.FindAll(j => IsTime(schedule.When, j.States[0].ScheduledFor!.Value)));
            made.FindAll(j => j.States[0].Schedule is not null && !IsTriggered(schedule, j)).ForEach(j => CheckOverlap(schedule, j, all.FindAll(a => a.States[0].Schedule is not null)));
            CheckMemos(schedule, made);
        }
    }

    private static bool IsOf(Queues.ScheduleDefinition schedule, JobStory job) => job.States[0].ScheduledFor is { } at && ((Work)schedule.Make(at)).Id == job.Id;

    private static bool IsTime(Timetable when, DateTimeOffset at) => (at - when.Anchor!.Value).Ticks % when.Interval!.Value.Ticks == 0;

    /// <summary>Whether it was made by hand: for the moment, which is hardly ever one of the timetable.</summary>
    private bool IsTriggered(Queues.ScheduleDefinition schedule, JobStory job)
        => !IsTime(schedule.When, job.States[0].ScheduledFor!.Value) || Observed.Jobs.Calls.Exists(c => c.Verb == JobVerb.Trigger && c.Queue == schedule.Name && c.Answer == $"{job.Row.Queue}-{job.Number:x}");

    private void CheckTimes(Queues.ScheduleDefinition schedule, List<JobStory> made)
    {
        int triggers = Observed.Jobs.Calls.Count(c => c.Verb == JobVerb.Trigger && c.Queue == schedule.Name);
        foreach (IGrouping<DateTimeOffset, JobStory> time in made.GroupBy(j => j.States[0].ScheduledFor!.Value))
        {
            MustHold(time.Count() <= 1 + triggers, $"{schedule.Name}: {time.Count()} jobs were made for {time.Key:HH:mm:ss}: {string.Join(' ', time)}");
            foreach (JobStory early in time.Where(j => j.Row.CreatedAt < time.Key))
            {
                Wrong($"{schedule.Name}: {early} came at {early.Row.CreatedAt:HH:mm:ss.fff}, before its time, {time.Key:HH:mm:ss}");
            }
        }
    }

    private void CheckOverlap(Queues.ScheduleDefinition schedule, JobStory job, List<JobStory> all)
    {
        List<JobStory> open = all.FindAll(a => a.Order < job.Order && a.EndOrder > job.Order);
        if (schedule.Options is { Overlap: Overlap.Skip, CatchUp: not CatchUp.All } && open.Count > 0)
        {
            Wrong($"{schedule.Name}: {job} was made for {job.States[0].ScheduledFor:HH:mm:ss} while {open[0]} was open");
        }

        if (schedule.Options is { Overlap: Overlap.CancelPrevious, CatchUp: not CatchUp.All } && open.Find(o => !o.States.Exists(s => s.IsCancelled && s.Order <= job.Order)) is { } left)
        {
            Wrong($"{schedule.Name}: {job} was made for {job.States[0].ScheduledFor:HH:mm:ss}, and {left} was not cancelled");
        }
    }

    private void CheckMemos(Queues.ScheduleDefinition schedule, List<JobStory> made)
    {
        bool isPaused = false;
        MemoRow? last = null;
        foreach (CommittedBatch committed in jobs.Batches)
        {
            if (isPaused && made.Find(j => j.Order == committed.Order && j.States[0].Schedule is not null && !IsTriggered(schedule, j)) is { } job && committed.Batch.Memos.FindLast(m => m.Name == $"schedule/{schedule.Name}") is { } memo && IsPaused(memo))
            {
                Wrong($"{schedule.Name}: {job} was made while it was paused");
            }

            last = committed.Batch.Memos.FindLast(m => m.Name == $"schedule/{schedule.Name}") ?? last;
            isPaused = last is not null && IsPaused(last);
        }

        if (last is null)
        {
            return;
        }

        using var json = JsonDocument.Parse(last.Value!);
        DateTimeOffset upTo = json.RootElement.GetProperty("UpTo").GetDateTimeOffset();
        List<(DateTimeOffset After, DateTimeOffset UpTo)> missed = !json.RootElement.TryGetProperty("Missed", out JsonElement all) ? []
            : [.. all.EnumerateArray().Select(s => (s.TryGetProperty("After", out JsonElement after) ? after.GetDateTimeOffset() : DateTimeOffset.MinValue, s.GetProperty("UpTo").GetDateTimeOffset()))];
        HashSet<DateTimeOffset> have = [.. made.Select(j => j.States[0].ScheduledFor!.Value)];
        for (DateTimeOffset? at = schedule.When.NextAfter(json.RootElement.GetProperty("Began").GetDateTimeOffset()); at <= upTo; at = schedule.When.NextAfter(at.Value))
        {
            bool isMissed = missed.Exists(m => m.After < at && at <= m.UpTo);
            MustHold(isMissed != have.Contains(at.Value), isMissed ? $"{schedule.Name}: {at:HH:mm:ss} had a job, and is said to be missed" : $"{schedule.Name}: {at:HH:mm:ss} had no job, and is not said to be missed");
        }
    }

    private static bool IsPaused(MemoRow memo)
    {
        using var json = JsonDocument.Parse(memo.Value!);
        return json.RootElement.TryGetProperty("Paused", out JsonElement paused) && paused.GetBoolean();
    }
}
