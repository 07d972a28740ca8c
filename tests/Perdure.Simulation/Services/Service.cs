using System.Globalization;
using Perdure.Engine;
using Perdure.Simulation.Plans;
using Perdure.Simulation.Processes;
using Perdure.Simulation.Seen;
using Perdure.Storage;
using Perdure.Testing.Virtual;

namespace Perdure.Simulation.Services;

/// <summary>The service that steps call: idempotent by key, and unreliable until it is <see cref="IsCalm"/>. It writes down each call.</summary>
internal sealed class Service(World world, Observed observed)
{
    private readonly Dictionary<string, string> _done = new(StringComparer.Ordinal);
    private readonly ReplayRandom _chance = new(ReplayRandom.Mix(world.Seed ^ 0x5E_4F1CE));
    private int _values;

    /// <summary>Whether it does what it is asked.</summary>
    public bool IsCalm { get; set; }

    public Task<string> DoAsync(Process process, FlowKey flow, StepMarks step, bool takesLong, StepContext context)
        => CallAsync(EffectKind.Do, process, flow, step, context, takesLong, DoFault(), () => Done(step, context.IdempotencyKey));

    public Task UndoAsync(Process process, FlowKey flow, StepMarks step, StepContext context)
        => CallAsync(EffectKind.Undo, process, flow, step, context, takesLong: false, UndoFault(), () => "");

    public async Task<Maybe<string>> ReconcileAsync(Process process, FlowKey flow, StepMarks step, StepContext context)
    {
        Fault fault = Chance(100) < (IsCalm ? 0 : 15) ? Fault.Transient : Fault.None;
        string found = await CallAsync(EffectKind.Reconcile, process, flow, step, context, takesLong: false, fault, () => _done.GetValueOrDefault(context.IdempotencyKey, ""));
        return found.Length > 0 ? new Maybe<string>(found) : default;
    }

    private async Task<string> CallAsync(EffectKind kind, Process process, FlowKey flow, StepMarks step, StepContext context, bool takesLong, Fault fault, Func<string> work)
    {
        var effect = new Effect(observed.Next(), process.Name, flow, step.Name, context.IdempotencyKey, kind, context.Attempt);
        observed.Effects.Add(effect);
        world.Trace.Note($"{process.Name} {kind} {flow} {step.Name} {fault}", context.Attempt);
        try
        {
            // A call that does not return at once, and may hear of its token late.
            CancellationToken token = Chance(4) == 0 ? CancellationToken.None : context.CancellationToken;
            int most = takesLong && !IsCalm ? 30_000 : Chance(4) == 0 ? 1_500 : 20;
            await PauseAsync(process, fault == Fault.Hangs ? TimeSpan.FromMinutes(10) : TimeSpan.FromMilliseconds(Chance(most)), fault == Fault.Hangs ? context.CancellationToken : token);
            return await FinishAsync(effect, process, fault, work);
        }
        catch (Exception e)
        {
            effect.End = e switch
            {
                RejectedException => EffectEnd.Rejected,
                TransientFault => EffectEnd.Transient,
                PermanentFault => EffectEnd.Permanent,
                TimeoutException => EffectEnd.Unknown,
                _ => EffectEnd.Cancelled,
            };
            effect.EndOrder = observed.Next();
            throw;
        }
    }

    private async Task<string> FinishAsync(Effect effect, Process process, Fault fault, Func<string> work)
    {
        bool isDone = effect.Kind == EffectKind.Do && _done.ContainsKey(effect.Key);
        switch (fault)
        {
            case Fault.Rejects when !isDone:
                throw new RejectedException($"{effect.Step} is refused");
            case Fault.Transient:
                throw new TransientFault();
            case Fault.Permanent when !isDone:
                throw new PermanentFault();
            case Fault.UnknownNotDone:
                throw new TimeoutException();
        }

        string value = work();
        await PauseAsync(process, TimeSpan.FromMilliseconds(Chance(3)), CancellationToken.None);
        if (fault == Fault.UnknownDone)
        {
            throw new TimeoutException();
        }

        effect.End = EffectEnd.Succeeded;
        effect.EndOrder = observed.Next();
        return value;
    }

    private string Done(StepMarks step, string key)
    {
        if (!_done.TryGetValue(key, out string? value))
        {
            bool isPoison = !IsCalm && Chance(80) == 0;
            _done[key] = value = string.Create(CultureInfo.InvariantCulture, $"{step.Name}#{++_values}{(isPoison ? Stores.ModelStore.Poison : "")}");
            if (isPoison && Chance(2) == 0)
            {
                _done.Remove(key); // the next attempt gives a value that the store takes
            }
        }

        return value;
    }

    private Fault DoFault()
    {
        int chance = IsCalm ? 0 : Chance(100);
        return chance switch
        {
            < 70 => Fault.None,
            < 80 => Fault.Transient,
            < 84 => Fault.Rejects,
            < 86 => Fault.Permanent,
            < 92 => Fault.UnknownDone,
            < 96 => Fault.UnknownNotDone,
            _ => Fault.Hangs,
        };
    }

    private Fault UndoFault()
    {
        int chance = IsCalm ? 0 : Chance(100);
        return chance switch
        {
            < 82 => Fault.None,
            < 90 => Fault.Transient,
            < 94 => Fault.UnknownDone,
            < 97 => Fault.Rejects,
            _ => Fault.Hangs,
        };
    }

    private int Chance(int below) => _chance.Next(below);

    private static Task PauseAsync(Process process, TimeSpan pause, CancellationToken token) => Task.Delay(pause, process.Place.Time, token);

    private enum Fault
    {
        None,
        Transient,
        Rejects,
        Permanent,
        UnknownDone,
        UnknownNotDone,
        Hangs,
    }
}

internal sealed class TransientFault : Exception;

internal sealed class PermanentFault : Exception;
