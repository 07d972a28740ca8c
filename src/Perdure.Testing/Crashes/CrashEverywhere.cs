using System.Globalization;
using Microsoft.Extensions.DependencyInjection;

namespace Perdure.Testing.Crashes;

/// <summary>Plays a scenario once as it is, to count what can go wrong, and then once for each such thing.</summary>
internal sealed class CrashEverywhere<TOutside>(
    Func<TOutside> outside, Action<IServiceCollection, TOutside> services, Func<CrashRun, TOutside, Task> scenario, Func<CrashRun, TOutside, Task> check, CrashOptions options)
{
    /// <summary>After so many failures nobody needs to see more.</summary>
    private const int FailuresMax = 20;

    /// <summary>How much of the course of events is shown, before and after what goes wrong.</summary>
    private const int EventsBefore = 12;
    private const int EventsAfter = 8;

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
        (Course course, Failure? failure) = Play(schedule);
        MustHavePassed(failure, () => $"Schedule {schedule} failed.");
        Expect.That(course.Counted >= schedule.Number, () => string.Create(CultureInfo.InvariantCulture,
            $"Nothing went wrong, since the scenario comes to {course.Counted} of what {schedule} counts. Play all schedules to get a seed of today's."));
        return Report([schedule]);
    }

    private CrashReport PlayAll()
    {
        (Course course, Failure? plain) = Play(Schedule.Plain);
        MustHavePassed(plain, static () => "The scenario fails by itself, before anything goes wrong.");

        List<Failure> failures = [];
        int played = 1;
        Schedule[] all = [.. Schedule.AllOf(course.Points, course.Attempts, course.Signals, options.CrashesAgain)];
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

        MustHavePassed(failures.FirstOrDefault(), () => $"{failures.Count} of {played} schedules failed: {string.Join(", ", failures.Select(f => f.Schedule))}. The smallest is {failures[0].Schedule}.");
        return Report([Schedule.Plain, .. all]);
    }

    private static CrashReport Report(Schedule[] played)
    {
        int Count(ScheduleKind kind) => played.Count(schedule => schedule.Kind == kind);
        return new CrashReport(Count(ScheduleKind.Crash) + Count(ScheduleKind.Recrash), Count(ScheduleKind.Twice), Count(ScheduleKind.Lost), Count(ScheduleKind.Fail),
            Count(ScheduleKind.Early) + Count(ScheduleKind.Late) + Count(ScheduleKind.Again))
        {
            Plain = Count(ScheduleKind.Plain),
        };
    }

    private static void MustHavePassed(Failure? failure, Func<string> headline)
    {
        if (failure is not null)
        {
            throw new ExpectationException($"{headline()}\n{failure}", failure.Error);
        }
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
            return (run.Course, new Failure(schedule, e, [.. run.Course.Events], run.Course.WrongAt));
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

    private sealed record Failure(Schedule Schedule, Exception Error, IReadOnlyList<string> Events, int? WrongAt)
    {
        public override string ToString()
        {
            int start = Math.Max(0, (WrongAt ?? Events.Count) - EventsBefore);
            int end = WrongAt is { } wrong ? Math.Min(wrong + 1 + EventsAfter, Events.Count) : Events.Count;
            string[] left = ["..."];
            string[] shown = [.. left.Take(start), .. Events.Take(end).Skip(start), .. left.Take(Events.Count - end)];
            string error = Error is ExpectationException ? Error.Message : $"{Error.GetType().Name}: {Error.Message}";
            return $"{error}\nThe course of events:\n  {string.Join("\n  ", shown)}\nTo play just this schedule, pass seed: \"{Schedule}\".";
        }
    }
}
