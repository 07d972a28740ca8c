using System.Text.Json;
using Perdure.Diagnostics;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>Ends that clients were told are durable and true, and the same for all who joined. A cancel that was accepted is durable.</summary>
internal sealed class JobResultChecker(JobsStory jobs) : Checker("ends of jobs are durable and true")
{
    protected override void Check()
    {
        Dictionary<long, string> told = [];
        foreach (JobCall call in Observed.Jobs.Calls.Where(c => c.AnswerOrder > 0))
        {
            long number = call.Verb == JobVerb.TryNow && call.IsDone ? call.Receipts[0].Number : call.Number;
            if (number == 0 || jobs.Find(number) is not { } job)
            {
                MustHold(number == 0, $"{call.Verb} of job {number:x}: there is no such job");
                continue;
            }

            string what = $"{call.Verb} of {job} (answered by {call.Process}: {call.Answer ?? call.Error})";
            switch (call.Verb)
            {
                case JobVerb.TryNow when call.Answer is not ("later" or "rejected"):
                case JobVerb.Result:
                    CheckResult(call, job, what);
                    if (call.IsDone)
                    {
                        MustHold(told.TryAdd(number, call.Answer!) || told[number] == call.Answer, $"{what}: another caller was told {told[number]}");
                    }

                    break;
                case JobVerb.TryNow when call.Answer == "rejected":
                    MustHold(job.EndOrder < call.AnswerOrder && job.End?.Status is null or JobStatus.Failed, $"{what}: that is not durable");
                    break;
                case JobVerb.Cancel when call.IsDone:
                    CheckCancel(call, job, what);
                    break;
            }
        }
    }

    private void CheckResult(JobCall call, JobStory job, string what)
    {
        bool hasEnded = job.EndOrder < call.AnswerOrder;
        if (call.IsDone)
        {
            MustHold(hasEnded, $"{what}: the end is not durable");
            MustHold(Observed.Jobs.Attempts.Exists(a => a.Number == job.Number && a.Result == call.Answer && a.EndOrder < job.EndOrder), $"{what}: no handler gave that");
            MustHold(job.End is null || (job.End.Status == JobStatus.Completed && JsonSerializer.Deserialize<string>(job.End.Result!) == call.Answer), $"{what}: but it ended as {job.End?.Status}");
            return;
        }

        switch (call.Error)
        {
            case ErrorCodes.JobFailed or ErrorCodes.StepRejected:
                MustHold(hasEnded && job.End?.Status is null or JobStatus.Failed, $"{what}: but it ended as {job.End?.Status}, durable: {hasEnded}");
                break;
            case ErrorCodes.JobCancelled:
                bool hasLeft = Observed.Jobs.Calls.Exists(c => c.Verb == JobVerb.Cancel && c.Number == job.Number && c.Order < call.AnswerOrder);
                MustHold(hasLeft || (hasEnded && job.End?.Status is null or JobStatus.Cancelled), $"{what}: but it ended as {job.End?.Status}, durable: {hasEnded}");
                break;
            case ErrorCodes.JobNotFound:
                bool isThere = !hasEnded || (job.End is not null && job.ForgottenOrder > call.AnswerOrder);
                bool isOwner = jobs.IsOwner(call.Process, call.Order) && jobs.TakeBefore(call.Order) == jobs.TakeBefore(call.AnswerOrder);
                MustHold(!isThere || !isOwner, $"{what}: but the job or its end is there");
                break;
            case ErrorCodes.LimitReached:
                MustHold(call.Options.Limit is not null, $"{what}: but there was no limit");
                break;
        }
    }

    private void CheckCancel(JobCall call, JobStory job, string what)
    {
        if (call.Answer == nameof(CancelAnswer.Accepted))
        {
            bool isDurable = job.EndOrder < call.AnswerOrder || job.States.Exists(s => s.Order < call.AnswerOrder && (s.IsCancelled || (call.Subscriber is not null && s.Subscribers < s.SubscriberCount)));
            MustHold(isDurable, $"{what}: it is not durable");
            MustHold(call.Subscriber is not null || job.End?.Status is null or JobStatus.Cancelled || job.EndOrder < call.Order, $"{what}: but it ended as {job.End?.Status}");
        }
        else
        {
            MustHold(job.EndOrder < call.AnswerOrder || call.Subscriber is not null || !jobs.IsOwner(call.Process, call.AnswerOrder), $"{what}: the end is not durable");
        }
    }
}
