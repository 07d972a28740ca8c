using Perdure.Testing.Crashes;

namespace Perdure.Testing;

/// <summary>What a scenario of <see cref="FlowTest.CrashEverywhereAsync{TOutside}"/> acts through, and its check looks through: the application under one schedule.</summary>
/// <remarks>
/// The scenario is the client: when the process dies it dies too, and is played again from its beginning against the next process. So let it
/// give its own ids to the runs that it starts, as a client does that asks again.
/// </remarks>
public sealed class CrashRun
{
    private readonly ScheduleRun _run;

    internal CrashRun(ScheduleRun run) => _run = run;

    /// <summary>Starts and finds flows in the process that runs now.</summary>
    public PerdureClient Perdure => _run.World.Process!.Perdure;

    /// <summary>The services of the process that runs now.</summary>
    public IServiceProvider Services => _run.World.Process!.Services;

    /// <summary>What time it is.</summary>
    public DateTimeOffset Now => _run.World.World.Now;

    /// <summary>Runs until no step has anything to do.</summary>
    public Task IdleAsync() => _run.IdleAsync();

    /// <summary>Lets time pass.</summary>
    public Task AdvanceAsync(TimeSpan by) => _run.AdvanceAsync(by);

    /// <summary>
    /// Sends a signal when no step has anything to do; in some schedules at once, just before the run's patience ends, or twice.
    /// </summary>
    /// <param name="run">The run.</param>
    /// <param name="value">The value.</param>
    /// <param name="name">The signal's name; that of the value's type by default.</param>
    /// <param name="signalId">The sender's id; without one, the signal that is sent twice comes as two.</param>
    public async Task SignalAsync<T>(FlowHandle run, T value, string? name = null, string? signalId = null)
    {
        ArgumentNullException.ThrowIfNull(run);
        int number = _run.Course.NextSignal();
        string id = signalId ?? $"signal {number}";
        if (_run.Course.Means(ScheduleKind.Early, number))
        {
            _run.Course.GoesWrong($"{id} is sent early");
        }
        else
        {
            await IdleAsync();
        }

        if (_run.Course.Means(ScheduleKind.Late, number))
        {
            await _run.AdvanceToLastMomentAsync();
            _run.Course.GoesWrong($"{id} is sent late");
        }

        await SendAsync(run, value, name, id, mayBeLate: _run.Course.IsPlayedAgain);
        if (_run.Course.Means(ScheduleKind.Again, number))
        {
            _run.Course.GoesWrong($"{id} is sent again");
            await SendAsync(run, value, name, signalId ?? $"{id}, again", mayBeLate: signalId is null);
        }
    }

    private static async Task SendAsync<T>(FlowHandle run, T value, string? name, string id, bool mayBeLate)
    {
        try
        {
            await run.SignalAsync(value, name, id);
        }
        catch (PerdureException e) when (mayBeLate && e.Code == Diagnostics.ErrorCodes.FlowEnded)
        {
            // The run ended without it: it took the one before, or its patience ended when the scenario let time pass again.
        }
    }
}
