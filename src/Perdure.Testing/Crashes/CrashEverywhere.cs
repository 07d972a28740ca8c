using Microsoft.Extensions.DependencyInjection;

namespace Perdure.Testing.Crashes;

/// <summary>Plays a scenario once as it is, to count what can go wrong, and then once for each such thing.</summary>
internal sealed class CrashEverywhere<TOutside>(
    Func<TOutside> outside, Action<IServiceCollection, TOutside> services, Func<CrashRun, TOutside, Task> scenario, Func<CrashRun, TOutside, Task> check, CrashOptions options)
{
    /// <summary>After so many failures nobody needs to see more.</summary>
    private const int FailuresMax = 20;

    private const int EventsShown = 12;

    /// <summary>Plays all schedules, or one.</summary>
    /// <param name="seed">The text of the one; null for all.</param>
    /// <exception cref="ExpectationException">Some failed; the message has the smallest.</exception>
    public CrashReport Play(string? seed)
    {
        if (seed is null)
        {
            return PlayAll();
        }

        var schedule = Schedule.Parse(seed);
        Failure? failure = Play(schedule).Failure;
        Expect.That(failure is null, () => $"Schedule {schedule} failed.\n{failure}");
        return Report([schedule]);
    }

    private CrashReport PlayAll()
    {
        (Course course, Failure? plain) = Play(Schedule.Plain);
        Expect.That(plain is null, () => $"The scenario fails by itself, before anything goes wrong.\n{plain}");

        List<Failure> failures = [];
        int played = 1;
        Schedule[] all = [.. Schedule.All(course.Points, course.Attempts, course.Signals, options.CrashesAgain)];
        foreach (Schedule schedule in all)
        {
            played++;
            if (Play(schedule).Failure is { } failure)
            {
                failures.Add(failure);
                if (failures.Count == FailuresMax)
                {
                    break;
                }
            }
        }

        Expect.That(failures.Count == 0, () => $"{failures.Count} of {played} schedules failed: {string.Join(", ", failures.Select(f => f.Schedule))}. The smallest is {failures[0].Schedule}.\n{failures[0]}");
        return Report(all);
    }

    private static CrashReport Report(Schedule[] played)
    {
        int Count(ScheduleKind kind) => played.Count(schedule => schedule.Kind == kind);
        return new CrashReport(Count(ScheduleKind.Crash) + Count(ScheduleKind.Recrash), Count(ScheduleKind.Twice), Count(ScheduleKind.Lost), Count(ScheduleKind.Fail),
            Count(ScheduleKind.Early) + Count(ScheduleKind.Late) + Count(ScheduleKind.Again));
    }

    private (Course Course, Failure? Failure) Play(Schedule schedule)
    {
        TOutside world = outside();
        using var run = new ScheduleRun(schedule, s => services(s, world), options);
        try
        {
            run.Run(r => scenario(r, world), r => check(r, world));
            return (run.Course, null);
        }
        catch (Exception e)
        {
            return (run.Course, new Failure(schedule, e, [.. run.Course.Events]));
        }
        finally
        {
            Dispose(world);
        }
    }

    private static void Dispose(TOutside world)
    {
        if (world is IAsyncDisposable disposable)
        {
            disposable.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
        else
        {
            (world as IDisposable)?.Dispose();
        }
    }

    private sealed record Failure(Schedule Schedule, Exception Error, IReadOnlyList<string> Events)
    {
        public override string ToString()
        {
            int crash = Events.ToList().IndexOf("the process dies");
            int last = crash < 0 ? Events.Count : crash + 1;
            IEnumerable<string> shown = Events.Take(last).Skip(Math.Max(0, last - EventsShown));
            string error = Error is ExpectationException ? Error.Message : $"{Error.GetType().Name}: {Error.Message}";
            return $"{error}\nThe course of events, up to there:\n  {string.Join("\n  ", shown)}\nTo play just this schedule, pass seed: \"{Schedule}\".";
        }
    }
}
