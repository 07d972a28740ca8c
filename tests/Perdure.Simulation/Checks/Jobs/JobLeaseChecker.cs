using Perdure.Diagnostics;
using Perdure.Simulation.Jobs;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>
/// Leases of workers outside: never more are held than the queue, its keys and its pools let; a job goes to the next worker when the one before gave it
/// back, reported, or fell silent for the whole lease, restarts included; and what a worker is told of its lease is so.
/// </summary>
internal sealed class JobLeaseChecker(JobsStory jobs) : Checker("leases of workers outside")
{
    /// <summary>How much longer than its worker the home takes a lease for valid.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);

    protected override void Check()
    {
        List<JobStory> leased = [.. jobs.All.Where(j => j.Row.Queue == JobPlan.Outside)];
        foreach (JobStory job in leased)
        {
            CheckHandOvers(job);
            foreach (StateStory given in job.States.Where((s, i) => s.Worker is not null && (i == 0 || job.States[i - 1].Worker != s.Worker)))
            {
                CheckLimits(job, given, leased.FindAll(j => j.Order <= given.Order && j.EndOrder > given.Order && j.States.FindLast(s => s.Order <= given.Order)?.Worker is not null));
            }
        }

        foreach (JobCall call in Observed.Jobs.Calls.Where(c => c.Verb is JobVerb.Renew or JobVerb.Report or JobVerb.GiveBack && c.AnswerOrder > 0 && jobs.IsOwner(c)))
        {
            CheckAnswer(call);
        }

        if (!Observed.Jobs.HasSkew)
        {
            CheckHolders([.. Observed.Jobs.Attempts.Where(a => a.HeldUntil is not null)]);
        }
    }

    private void CheckHandOvers(JobStory job)
    {
        for (int i = 1; i <= job.States.Count; i++)
        {
            StateStory before = job.States[i - 1];
            bool isEnd = i == job.States.Count;
            long order = isEnd ? job.EndOrder : job.States[i].Order;
            if (before.Worker is { } worker && order < long.MaxValue && (isEnd || job.States[i].Worker != worker))
            {
                DateTimeOffset at = jobs.TimeBefore(order + 1);
                bool mayBeRefused = isEnd && job.End?.Status == JobStatus.Failed && Observed.Marks.Contains("a job's result was refused");
                MustHold(at >= before.LeaseUntil + Margin || HasLetGo(worker, job.Number, order) || mayBeRefused, $"{job} was taken from {worker} at {at:HH:mm:ss.fff}, whose lease ends at {before.LeaseUntil:HH:mm:ss.fff}");
            }
        }
    }

    /// <summary>Whether a worker had reported or given back a job, or never heard that it had it.</summary>
    private bool HasLetGo(string worker, long number, long order)
        => Observed.Jobs.Calls.Exists(c => c.Worker == worker && c.Order < order
            && (c is { Verb: JobVerb.Lease, IsDone: false } || (c.Number == number && c.Verb is JobVerb.Report or JobVerb.GiveBack)));

    private void CheckLimits(JobStory job, StateStory given, List<JobStory> held)
    {
        IReadOnlyList<QueueOptions> policies = jobs.PoliciesAt(JobPlan.Outside, given.Order + 1);
        int most = policies.Max(p => p.Concurrency ?? int.MaxValue);
        MustHold(held.Count <= most, $"{given.Worker} got {job} when {held.Count} leases were held, of {most}");
        int perKey = policies.Max(p => (p.InOrder ? 1 : p.ConcurrencyPerKey) ?? int.MaxValue);
        int ofKey = job.Row.Key is null ? 0 : held.Count(h => h.Row.Key == job.Row.Key);
        MustHold(ofKey <= perKey, $"{given.Worker} got {job} when {ofKey} leases of {job.Row.Key} were held, of {perKey}");
        foreach (PoolUse use in jobs.Plan.Queues[JobPlan.Outside].Uses)
        {
            MustHold(held.Count * use.Units <= jobs.Plan.Pools[use.Pool].Capacity, $"{given.Worker} got {job} when {held.Count} leases held {use.Pool}, of {jobs.Plan.Pools[use.Pool].Capacity}");
        }
    }

    private void CheckAnswer(JobCall call)
    {
        string what = $"{call.Worker}'s {call.Verb} of {call.Number:x} (answered by {call.Process}: {call.Answer ?? call.Error})";
        if (jobs.Find(call.Number, call.Order) is not { } job)
        {
            Wrong($"{what}: there is no such job");
            return;
        }

        bool hadIt = job.States.Exists(s => s.Worker == call.Worker && s.Order < call.AnswerOrder);
        bool hadItOnly = hadIt && job.EndOrder > call.AnswerOrder && job.States.TrueForAll(s => s.Worker == call.Worker || s.Order < job.States.First(o => o.Worker == call.Worker).Order || s.Order > call.AnswerOrder);
        if (call.Error == ErrorCodes.LeaseLost || (call is { Verb: JobVerb.Renew, IsDone: true } && call.Answer != bool.TrueString))
        {
            MustHold(!hadItOnly || job.States.Exists(s => s.IsCancelled && s.Order < call.AnswerOrder) || IsRepeated(call), $"{what}: but the job is its");
        }
        else if (call.IsDone)
        {
            JobStory? of = jobs.LivesOf(call.Number).FirstOrDefault(l => l.States.Exists(s => s.Worker == call.Worker));
            bool isLast = of is not null && of.States.FindLast(s => s.Worker is not null && s.Order < call.Order)?.Worker == call.Worker;
            MustHold(isLast, $"{what}: but it had lost the job");
            bool isDurable = of is null || call.Verb == JobVerb.Renew || of.EndOrder < call.AnswerOrder || of.States.Exists(s => s.Order > call.Order && s.Order < call.AnswerOrder && s.Worker != call.Worker);
            MustHold(isDurable, $"{what}: that is not durable");
        }
    }

    /// <summary>Whether it was asked before, without an answer: that may have taken effect since.</summary>
    private bool IsRepeated(JobCall call) => Observed.Jobs.Calls.Exists(c => c.Worker == call.Worker && c.Number == call.Number && c.Verb == call.Verb && c.Order < call.Order && JobCaller.IsUnanswered(c));

    /// <summary>Two workers that count the time from before they asked never take one job for theirs at once.</summary>
    private void CheckHolders(List<HandlerCall> holders)
    {
        foreach (IGrouping<long, HandlerCall> job in holders.GroupBy(h => h.Number))
        {
            List<HandlerCall> all = [.. job];
            for (int i = 1; i < all.Count; i++)
            {
                HandlerCall before = all[i - 1];
                bool hasLetGo = before.EndOrder > 0 && before.EndOrder < all[i].Order;
                MustHold(hasLetGo || before.HeldUntil <= all[i].At, $"{all[i].Process} began {all[i].Queue}-{all[i].Number:x} at {all[i].At:HH:mm:ss.fff}, which is {before.Process}'s until {before.HeldUntil:HH:mm:ss.fff}");
            }
        }
    }
}
