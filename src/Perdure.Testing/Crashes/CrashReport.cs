using System.Globalization;

namespace Perdure.Testing;

/// <summary>How many ways a scenario was tried in, all of them well.</summary>
/// <param name="Crashes">Schedules in which the process died, each at another point.</param>
/// <param name="Repeats">Schedules in which a step ran twice.</param>
/// <param name="LostAnswers">Schedules in which a step was done and nobody heard of it.</param>
/// <param name="Failures">Schedules in which a step failed once.</param>
/// <param name="Signals">Schedules in which a signal came early, late or twice.</param>
public sealed record CrashReport(int Crashes, int Repeats, int LostAnswers, int Failures, int Signals)
{
    /// <summary>Schedules in which nothing went wrong: 1, or 0 when a seed named another one.</summary>
    public int Plain { get; init; } = 1;

    /// <summary>All schedules, the plain one included.</summary>
    public int Schedules => Plain + Crashes + Repeats + LostAnswers + Failures + Signals;

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Schedules} schedules: {Plain} plain, {Crashes} with a crash, {Repeats} with a step run twice, {LostAnswers} with a lost answer, {Failures} with a failed attempt, {Signals} with a signal early, late or twice");
}
