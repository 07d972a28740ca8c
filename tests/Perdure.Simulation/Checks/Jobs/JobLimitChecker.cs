using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>In a living process never more attempts run than a queue, one of its keys, or a pool lets.</summary>
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
                    CheckAt(call, running.FindAll(r => !JobStartChecker.IsLeft(r, call.At) && (jobs.Find(r.Number)?.EndOrder ?? 0) > call.Order));
                }
            }
        }
    }

    private void CheckAt(HandlerCall call, List<HandlerCall> running)
    {
        QueueOptions queue = jobs.Plan.Queues[call.Queue];
        int ofQueue = running.Count(r => r.Queue == call.Queue);
        MustHold(queue.Concurrency is null || ofQueue <= queue.Concurrency, $"{ofQueue} jobs of {call.Queue} run at once in {call.Process} at {call.At:HH:mm:ss.fff}, of {queue.Concurrency}");
        int? perKey = queue.InOrder ? 1 : queue.ConcurrencyPerKey;
        if (call.Key is not null && perKey is not null)
        {
            int ofKey = running.Count(r => r.Queue == call.Queue && r.Key == call.Key);
            MustHold(ofKey <= perKey, $"{ofKey} jobs of {call.Queue}/{call.Key} run at once in {call.Process} at {call.At:HH:mm:ss.fff}, of {perKey}");
        }

        foreach (PoolUse use in queue.Uses)
        {
            int units = running.Sum(r => jobs.Plan.Queues[r.Queue].Uses.Where(u => u.Pool == use.Pool).Sum(u => u.Units));
            MustHold(units <= jobs.Plan.Pools[use.Pool].Capacity, $"{units} units of {use.Pool} are in use in {call.Process} at {call.At:HH:mm:ss.fff}, of {jobs.Plan.Pools[use.Pool].Capacity}");
        }
    }
}
