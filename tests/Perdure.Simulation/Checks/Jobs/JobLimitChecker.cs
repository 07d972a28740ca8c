using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>In a living process never more attempts run than a queue, one of its keys, a pool, or what they depend on lets, whatever was changed meanwhile; a pool that is saturated takes better jobs only.</summary>
internal sealed class JobLimitChecker(JobsStory jobs) : Checker("limits of queues")
{
    protected override void Check()
    {
        foreach (IGrouping<string, HandlerCall> process in Observed.Jobs.Attempts.GroupBy(a => a.Process))
        {
            List<HandlerCall> running = [];
            foreach (HandlerCall call in process)
            {
                running.RemoveAll(r => r.EndOrder > 0 && r.EndOrder < call.Order);
                running.Add(call);
                if (jobs.IsOwner(call.Process, call.Order))
                {
                    CheckAt(call, running.FindAll(r => !JobStartChecker.IsLeft(r, call.At) && (jobs.Find(r.Number, r.Order)?.EndOrder ?? 0) > call.Order));
                }
            }
        }
    }

    private void CheckAt(HandlerCall call, List<HandlerCall> running)
    {
        string where = $"run at once in {call.Process} at {call.At:HH:mm:ss.fff}";
        IReadOnlyList<QueueOptions> policies = jobs.PoliciesAt(call.Queue, call.Order);
        int most = policies.Max(p => p.Concurrency ?? int.MaxValue);
        int ofQueue = running.Count(r => r.Queue == call.Queue);
        MustHold(ofQueue <= most, $"{ofQueue} jobs of {call.Queue} {where}, of {most}");
        int perKey = policies.Max(p => (p.InOrder ? 1 : p.ConcurrencyPerKey) ?? int.MaxValue);
        int ofKey = call.Key is null ? 0 : running.Count(r => r.Queue == call.Queue && r.Key == call.Key);
        MustHold(ofKey <= perKey, $"{ofKey} jobs of {call.Queue}/{call.Key} {where}, of {perKey}");
        if (jobs.Plan.Queues[call.Queue].Dependency is { } dependency && jobs.Plan.Dependencies[dependency].Concurrency is { } inside)
        {
            int ofDependency = running.Count(r => jobs.Plan.Queues[r.Queue].Dependency == dependency);
            MustHold(ofDependency <= inside, $"{ofDependency} jobs that need {dependency} {where}, of {inside}");
        }

        foreach (PoolUse use in jobs.Plan.Queues[call.Queue].Uses)
        {
            PoolOptions pool = jobs.Plan.Pools[use.Pool];
            int units = running.Sum(r => UnitsOf(r, use.Pool));
            MustHold(units <= pool.Capacity, $"{units} units of {use.Pool} are in use in {call.Process} at {call.At:HH:mm:ss.fff}, of {pool.Capacity}");
            int longSince = running.Where(r => jobs.IsKnownAt(r.Order, call)).Sum(r => UnitsOf(r, use.Pool));
            MustHold(longSince < pool.SaturatedAt || pool.SaturatedAt is null || MayBeAdmitted(call, pool), $"{call.Queue}-{call.Number:x} began in {call.Process} at {call.At:HH:mm:ss.fff} though {longSince} units of {use.Pool} were in use, and from {pool.SaturatedAt} on it takes better ones only");
        }
    }

    private int UnitsOf(HandlerCall call, string pool) => jobs.Plan.Queues[call.Queue].Uses.Where(u => u.Pool == pool).Sum(u => u.Units);

    /// <summary>Whether a job may ever have been good enough for a pool that is saturated; one that was to be tried at once is.</summary>
    private bool MayBeAdmitted(HandlerCall call, PoolOptions pool)
        => jobs.PoliciesAt(call.Queue, call.Order).Any(p => p.Ageing is not null) || jobs.Find(call.Number, call.Order) is not { } job
            || job.States.Exists(s => s.State.Priority <= pool.AdmittedPriority) || Observed.Jobs.Calls.Exists(c => c.Verb == JobVerb.TryNow && c.Ids[0] == job.Id);
}
