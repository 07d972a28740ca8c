using System.Globalization;
using Perdure.Engine;
using Perdure.Queues;

namespace Perdure.Simulation.Jobs;

/// <summary>Makes schedules whose jobs say which time of which schedule they are for.</summary>
internal sealed class SchedulePlan(ReplayRandom chance, DateTimeOffset start)
{
    /// <summary>Ids of schedules' jobs begin here, a range for each.</summary>
    public const int FirstId = 100_000_000;

    private const int IdsPerSchedule = 100_000_000;

    public ScheduleDefinition Any(int number, string queue)
    {
        DateTimeOffset anchor = start.AddSeconds(chance.Next(-60, 60));
        int first = FirstId + (number * IdsPerSchedule);
        var options = new ScheduleOptions
        {
            Overlap = (Overlap)chance.Next(3),
            CatchUp = (CatchUp)chance.Next(3),
            CatchUpMax = chance.Next(1, 6),
            JobOptions = new JobOptions { Queue = queue, Priority = chance.Next(-2, 3) },
        };
        return new ScheduleDefinition(string.Create(CultureInfo.InvariantCulture, $"s{number}"), Timetable.Every(TimeSpan.FromSeconds(chance.Next(2, 30)), anchor), typeof(Work),
            at => new Work(first + (int)(at - start).TotalMilliseconds), options);
    }
}
