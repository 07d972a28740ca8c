using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>No attempt begins before its job is durable, before its time, or after the job's end or cancel; each gets what the job carries by then, and its number is that of the failed ones before it.</summary>
internal sealed class JobStartChecker(JobsStory jobs) : Checker("attempts of jobs")
{
    protected override void Check()
    {
        Dictionary<(string Process, long Number), HandlerCall> last = [];
        foreach (HandlerCall call in Observed.Jobs.Attempts)
        {
            string what = $"attempt {call.Attempt} of {call.Queue}-{call.Number:x} in {call.Process} at {call.At:HH:mm:ss.fff}";
            if (jobs.Find(call.Number, call.Order) is not { } job || job.Order > call.Order)
            {
                Wrong($"{what} began before the job was durable");
                continue;
            }

            if (last.TryGetValue((call.Process, call.Number), out HandlerCall? before))
            {
                MustHold((before.EndOrder > 0 && before.EndOrder < call.Order) || IsLeft(before, call.At), $"{what} began while an earlier one ran");
            }

            last[(call.Process, call.Number)] = call;
            if (jobs.TakeBefore(call.Order) is { } take && take.Process == call.Process)
            {
                CheckOwners(call, job, take, what);
            }
        }
    }

    /// <summary>Whether an attempt has ignored its token for so long that nobody waits for it any more.</summary>
    public static bool IsLeft(HandlerCall call, DateTimeOffset at) => call.ToldAt + TimeSpan.FromSeconds(5) <= at;

    private void CheckOwners(HandlerCall call, JobStory job, TakenShard take, string what)
    {
        StateStory state = job.At(call.Order);
        bool isFirstLife = !jobs.Takes.Exists(t => t.Process == call.Process && t.Order < take.Order); // otherwise it may have been on its way before
        MustHold(!isFirstLife || job.EndOrder > call.Order, $"{what} began after the end was durable");
        MustHold(job.IdAt(call.Order) == call.Id, $"{what} was given {call.Id}, but the job carries {job.IdAt(call.Order)}");
        MustHold(state.State.Attempts + 1 == call.Attempt, $"{what}: {state.State.Attempts} have failed");
        MustHold(state.State.NotBefore is null || state.State.NotBefore <= call.At + Observed.Jobs.SkewMax, $"{what} began before its time, {state.State.NotBefore:HH:mm:ss.fff}");
        MustHold(!isFirstLife || !job.States.Exists(s => s.IsCancelled && s.Order < take.Order), $"{what} began after the job had been cancelled, and a crash");
        MustHold(!isFirstLife || state.ExpireAt is null || state.ExpireAt > jobs.TimeBefore(take.Order) || job.Order > take.Order, $"{what} began after the job had expired, and a crash");
        JobCall? mode = jobs.ModeAt(call);
        MustHold(mode is null || (job.Order < mode.AnswerOrder && (!isFirstLife || take.Order < mode.AnswerOrder)), $"{what} began although the queue was paused");
        MustHold(!call.FoundProgress || state.HasSaved, $"{what} found what nobody had saved");
    }
}
