using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>What those who look after queues were told is durable: a policy that they changed, and dead letters that they made jobs again, which keep what they were.</summary>
internal sealed class JobKeepChecker(JobsStory jobs) : Checker("policies and dead letters")
{
    protected override void Check()
    {
        foreach (JobCall call in Observed.Jobs.Calls.Where(c => c.IsDone))
        {
            switch (call.Verb)
            {
                case JobVerb.Change or JobVerb.Reset:
                    MustHold(jobs.ChangesOf(call.Queue).Any(c => c.Order > call.Order && c.Order < call.AnswerOrder), $"{call.Verb} of {call.Queue}'s policy in {call.Process} is not durable");
                    break;
                case JobVerb.Redrive:
                    int redriven = int.Parse(call.Answer!, System.Globalization.CultureInfo.InvariantCulture);
                    int durable = jobs.All.Count(j => j.Before is not null && j.Row.Queue == call.Queue && j.Order > call.Order && j.Order < call.AnswerOrder);
                    MustHold(redriven <= durable, $"{redriven} dead letters of {call.Queue} were redriven by {call.Process}, of which {durable} are durable");
                    break;
            }
        }

        foreach (JobStory job in jobs.All)
        {
            if (job is { Before: { } before })
            {
                CheckRedriven(job, before);
            }
        }
    }

    private void CheckRedriven(JobStory job, JobStory before)
    {
        List<JobCall> redrives = Observed.Jobs.Calls.FindAll(c => c.Verb == JobVerb.Redrive && c.Queue == job.Row.Queue && c.Order < job.Order);
        MustHold(redrives.Count > 0, $"{job} came again, and nobody asked for it");
        MustHold(job.Id == before.IdAt(before.EndOrder) || redrives.Exists(c => c.Ids.Contains(job.Id)), $"{job} carries {job.Id}, and carried {before.IdAt(before.EndOrder)}");
        bool isSame = job.Row.Queue == before.Row.Queue && job.Row.Type == before.Row.Type && job.Row.Key == before.Row.Key && job.Row.CreatedAt == before.Row.CreatedAt && job.Row.State.Priority == before.End!.Priority;
        MustHold(isSame, $"{job} is not what it was: {job.Row} {before.Row}");
        MustHold(job.States[0].ExpireAt is null || job.States[0].ExpireAt > job.States[0].RedrivenAt, $"{job} came at {job.States[0].RedrivenAt:HH:mm:ss.fff}, and had expired at {job.States[0].ExpireAt:HH:mm:ss.fff}");
        MustHold(job.Row.State.Attempts == 0, $"{job} begins with {job.Row.State.Attempts} attempts");
    }
}
