using Perdure.Engine;
using Perdure.Simulation.Processes;
using Perdure.Simulation.Seen;
using Perdure.Simulation.Services;

namespace Perdure.Simulation.Jobs;

/// <summary>What goes wrong with an attempt.</summary>
internal enum HandlerFault
{
    None,
    Transient,
    Rejects,
    Permanent,
    Unknown,
    Hangs,
    IgnoresToken,
    Saves,
    Poison,
}

/// <summary>Lets handlers fail in every way, until it <see cref="IsCalm"/>.</summary>
internal sealed class HandlerFaults(ReplayRandom chance)
{
    /// <summary>Whether handlers do what they are asked.</summary>
    public bool IsCalm { get; set; }

    public ReplayRandom Chance => chance;

    public HandlerFault Any() => (IsCalm ? 0 : chance.Next(100)) switch
    {
        < 64 => HandlerFault.None,
        < 76 => HandlerFault.Transient,
        < 79 => HandlerFault.Rejects,
        < 81 => HandlerFault.Permanent,
        < 85 => HandlerFault.Unknown,
        < 88 => HandlerFault.Hangs,
        < 92 => HandlerFault.IgnoresToken,
        < 99 => HandlerFault.Saves,
        _ => HandlerFault.Poison,
    };

    public static EffectEnd EndOf(Exception error) => error switch
    {
        RejectedException => EffectEnd.Rejected,
        PermanentFault => EffectEnd.Permanent,
        TimeoutException => EffectEnd.Unknown,
        OperationCanceledException => EffectEnd.Cancelled,
        _ => EffectEnd.Transient,
    };

    public static Exception? ErrorOf(HandlerFault fault) => fault switch
    {
        HandlerFault.Rejects => new RejectedException("no"),
        HandlerFault.Transient => new TransientFault(),
        HandlerFault.Permanent => new PermanentFault(),
        HandlerFault.Unknown => new TimeoutException(),
        _ => null,
    };

    /// <summary>Works for a while, and fails as it is to.</summary>
    public async Task PlayAsync(Process process, HandlerFault fault, JobContext context)
    {
        switch (fault)
        {
            case HandlerFault.Hangs:
                await PauseAsync(process, 600_000, context);
                break;
            case HandlerFault.IgnoresToken:
                await PauseAsync(process, 5_000 + chance.Next(30_000), CancellationToken.None);
                break;
            case HandlerFault.Saves:
                await context.SaveAsync(context.Saved<int>().TryGet(out int saved) ? saved + 1 : 1);
                await context.ReportAsync(0.5, "half");
                break;
        }

        await PauseAsync(process, AWhile(), chance.Next(4) == 0 ? CancellationToken.None : context.CancellationToken);
        if (ErrorOf(fault) is { } error)
        {
            throw error;
        }
    }

    /// <summary>How many milliseconds an attempt takes.</summary>
    public int AWhile() => chance.Next(chance.Next(3) == 0 && !IsCalm ? 6_000 : 300);

    public static Task PauseAsync(Process process, int milliseconds, CancellationToken token) => Task.Delay(TimeSpan.FromMilliseconds(milliseconds), process.Place.Time, token);
}
