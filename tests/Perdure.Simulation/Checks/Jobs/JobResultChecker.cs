using System.Text.Json;
using Perdure.Diagnostics;
using Perdure.Simulation.Jobs;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>Ends that clients were told are durable and true, and the same for all who joined; once faults have stopped everybody is told. A cancel that was accepted is durable.</summary>
internal sealed class JobResultChecker(JobsStory jobs) : Checker("ends of jobs are durable and true")
{
    /// <summary>Within which time of a call the end of its job must have come for it to be told for sure.</summary>
    private static readonly TimeSpan Prompt = TimeSpan.FromSeconds(20);

    protected override void Check()
    {
        Dictionary<long, string> told = [];
        foreach (JobCall call in Observed.Jobs.Calls.Where(c => c.AnswerOrder > 0))
        {
            long number = call.Verb == JobVerb.TryNow && call.IsDone ? call.Receipts[0].Number : call.Number;
            IReadOnlyList<JobStory> lives = jobs.LivesOf(number);
            if (number == 0 || lives.Count == 0)
            {
                MustHold(number == 0, $"{call.Verb} of job {number:x}: there is no such job");
                continue;
            }

            string what = $"{call.Verb} of {lives[0]} (answered by {call.Process}: {call.Answer ?? call.Error})";
            switch (call.Verb)
            {
                case JobVerb.TryNow when call.Answer is not ("later" or "rejected"):
                case JobVerb.Result:
                    MustHoldFor(lives, job => WrongResult(call, job), what);
                    if (call.IsDone)
                    {
                        MustHold(told.TryAdd(number, call.Answer!) || told[number] == call.Answer, $"{what}: another caller was told {told[number]}");
                    }

                    break;
                case JobVerb.TryNow when call.Answer == "rejected":
                    MustHoldFor(lives, job => job.EndOrder < call.AnswerOrder && job.End?.Status is null or JobStatus.Failed ? null : "that is not durable", what);
                    break;
                case JobVerb.Cancel when call.IsDone:
                    MustHoldFor(lives, job => WrongCancel(call, job), what);
                    break;
            }
        }

        DateTimeOffset end = Observed.Jobs.Calls.Count == 0 ? default : Observed.Jobs.Calls.Max(c => c.At);
        foreach (JobCall call in Observed.Jobs.Calls.Where(c => c is { Verb: JobVerb.Result, AnswerOrder: 0 } && jobs.IsOwner(c.Process, c.Order) && c.At + JobCaller.Patience < end))
        {
            bool wasTold = jobs.Find(call.Number, call.Order) is not { } job || job.EndOrder > (Observed.Jobs.Calls.Find(c => c.At > call.At + Prompt)?.Order ?? 0) || jobs.Takes[^1].Order > call.Order
                || Observed.Jobs.Pauses.Exists(p => p.Process == call.Process);
            MustHold(wasTold, $"{call.Verb} of {call.Queue}-{call.Number:x} in {call.Process} at {call.At:HH:mm:ss.fff} was never answered, though the job has ended");
        }
    }

    /// <summary>Whether something holds of the life that a caller heard of: which one that was, nobody outside knows.</summary>
    private void MustHoldFor(IReadOnlyList<JobStory> lives, Func<JobStory, string?> wrong, string what)
        => MustHold(lives.Any(l => wrong(l) is null), $"{what}: {wrong(lives[^1])}");

    private string? WrongResult(JobCall call, JobStory job)
    {
        bool hasEnded = job.EndOrder < call.AnswerOrder;
        if (call.IsDone)
        {
            bool isBatched = job.Row.Queue == JobPlan.Batches;
            bool wasGiven = job.Row.Queue == JobPlan.Flows || Observed.Jobs.Attempts.Exists(a => a.Number == job.Number && a.End == EffectEnd.Succeeded && (isBatched || a.Result == call.Answer) && a.EndOrder < job.EndOrder);
            bool isIt = job.End is null || (job.End.Status == JobStatus.Completed && (isBatched || JsonSerializer.Deserialize<string>(job.End.Result!) == call.Answer));
            return !hasEnded ? "the end is not durable" : !wasGiven ? "no handler gave that" : isIt ? null : $"but it ended as {job.End?.Status}";
        }

        switch (call.Error)
        {
            case ErrorCodes.JobFailed or ErrorCodes.StepRejected:
                return hasEnded && job.End?.Status is null or JobStatus.Failed ? null : $"but it ended as {job.End?.Status}, durable: {hasEnded}";
            case ErrorCodes.JobCancelled:
                bool hasLeft = Observed.Jobs.Calls.Exists(c => c.Verb == JobVerb.Cancel && c.Number == job.Number && c.Order < call.AnswerOrder);
                return hasLeft || (hasEnded && job.End?.Status is null or JobStatus.Cancelled) ? null : $"but it ended as {job.End?.Status}, durable: {hasEnded}";
            case ErrorCodes.JobNotFound:
                bool isThere = !hasEnded || (job.End is not null && job.ForgottenOrder > call.AnswerOrder);
                return isThere && jobs.IsOwner(call) ? "but the job or its end is there" : null;
            case ErrorCodes.LimitReached:
                return call.Options.Limit is not null ? null : "but there was no limit";
            default:
                return null;
        }
    }

    private string? WrongCancel(JobCall call, JobStory job)
    {
        if (call.Answer == nameof(CancelAnswer.Accepted))
        {
            bool isDurable = job.EndOrder < call.AnswerOrder || job.States.Exists(s => s.Order < call.AnswerOrder && (s.IsCancelled || (call.Subscriber is not null && s.Subscribers < s.SubscriberCount)));
            bool holds = call.Subscriber is not null || job.End?.Status is null or JobStatus.Cancelled || job.EndOrder < call.Order;
            return !isDurable ? "it is not durable" : holds ? null : $"but it ended as {job.End?.Status}";
        }

        return job.EndOrder < call.AnswerOrder || call.Subscriber is not null || !jobs.IsOwner(call.Process, call.AnswerOrder) ? null : "the end is not durable";
    }
}
