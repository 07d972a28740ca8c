using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>No attempt is decided while its queue is closed. When it was decided nobody outside sees; it was not before the batches that may have been on the way.</summary>
internal sealed class JobHoursChecker(JobsStory jobs) : Checker("open hours of queues")
{
    protected override void Check()
    {
        foreach (HandlerCall call in Observed.Jobs.Attempts)
        {
            if (jobs.Plan.Queues[call.Queue].OpenHours is { } hours && jobs.IsOwner(call.Process, call.Order) && jobs.Find(call.Number, call.Order) is { } job)
            {
                DateTimeOffset from = jobs.EarliestOf(call, job) - Observed.Jobs.SkewMax;
                DateTimeOffset until = call.At + Observed.Jobs.SkewMax;
                MustHold(IsOpenOnce(hours, from, until), $"{call.Queue}-{call.Number:x} began in {call.Process} at {call.At:HH:mm:ss.fff}, and its queue has been closed since {from:HH:mm:ss.fff}");
                if (!IsOpenOnce(hours, job.Row.CreatedAt, job.Row.CreatedAt))
                {
                    Observed.Mark("a job waited for its queue to open");
                }
            }
        }
    }

    /// <summary>Whether some window, which are of one day here, is open at some moment of a stretch.</summary>
    private static bool IsOpenOnce(OpenHours hours, DateTimeOffset from, DateTimeOffset until)
        => hours.Windows.Any(w => from.TimeOfDay < EndOf(w) && until.TimeOfDay >= w.From.ToTimeSpan());

    private static TimeSpan EndOf(TimeWindow window) => window.To == TimeOnly.MinValue ? TimeSpan.FromDays(1) : window.To.ToTimeSpan();
}
