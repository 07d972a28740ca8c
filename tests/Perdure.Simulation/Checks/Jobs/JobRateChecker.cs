using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>
/// No rate is exceeded, whichever processes died meanwhile. When a start was decided nobody outside sees; it lies between the job's time to start and the
/// last batch before its attempt began, since that batch, or one before it, carries what the rate remembers.
/// </summary>
internal sealed class JobRateChecker(JobsStory jobs) : Checker("rates of queues")
{
    protected override void Check()
    {
        foreach (IGrouping<string, HandlerCall> queue in Observed.Jobs.Attempts.GroupBy(a => a.Queue))
        {
            if (jobs.Plan.Queues[queue.Key].Rate is { } rate)
            {
                CheckRate(queue.Key, rate, [.. queue]);
            }

            if (jobs.Plan.Queues[queue.Key].RatePerKey is { } perKey)
            {
                foreach (IGrouping<string?, HandlerCall> key in queue.Where(c => c.Key is not null).GroupBy(c => c.Key))
                {
                    CheckRate($"{queue.Key}/{key.Key}", perKey, [.. key]);
                }
            }
        }
    }

    private void CheckRate(string name, Rate rate, List<HandlerCall> calls)
    {
        long spacing = rate.Per.Ticks / rate.Count;
        for (int last = 0; last < calls.Count; last++)
        {
            DateTimeOffset until = jobs.TimeBefore(calls[last].Order);
            DateTimeOffset from = DateTimeOffset.MaxValue;
            for (int first = last; first >= 0; first--)
            {
                DateTimeOffset earliest = EarliestOf(calls[first]);
                from = earliest < from ? earliest : from;
                int starts = last - first + 1;
                long most = rate.Burst + ((until - from).Ticks / spacing);
                MustHold(starts <= most, $"{starts} jobs of {name} were started in {until - from}, until {calls[last].At:HH:mm:ss.fff}, of {most}");
            }
        }
    }

    private DateTimeOffset EarliestOf(HandlerCall call)
    {
        JobStory? job = jobs.Find(call.Number, call.Order);
        DateTimeOffset came = job?.Before is not null ? jobs.TimeBefore(job.Order) : job?.Row.CreatedAt ?? default;
        return job?.At(call.Order).State.NotBefore is { } notBefore && notBefore > came ? notBefore : came;
    }
}
