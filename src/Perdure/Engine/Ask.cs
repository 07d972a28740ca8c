using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>What kind of thing a flow asks for. The letter stands in history.</summary>
internal enum AskKind : ushort
{
    Step = 'S',
    Undo = 'U',
    Timer = 'T',
    Signal = 'W',
    Region = 'L',
    Condition = 'H',
    Child = 'C',
    DetachedChild = 'D',
    Job = 'J',
    DetachedJob = 'E',
    Event = 'A',
    Publish = 'V',
}

/// <summary>
/// One thing that a flow's code asked for. It is open until an input answers it or the flow withdraws it. Its task completes on the
/// turn, inline, so that everything that awaits it stays on the turn.
/// </summary>
internal abstract class Ask(int number, AskKind kind, string name, Scope scope)
{
    public int Number { get; } = number;

    public AskKind Kind { get; } = kind;

    public string Name { get; } = name;

    public Scope Scope { get; } = scope;

    public bool Open { get; set; } = true;

    /// <summary>When its limit or delay is up, or its next attempt is due; null if time does not move it.</summary>
    public DateTimeOffset? Due { get; set; }

    /// <summary>Whether the flow no longer wants it, but must wait for its outcome.</summary>
    public bool Stopping { get; set; }

    /// <summary>Whether the flow wants to know how it stands, and no more attempts: a limit or cancel waits for it.</summary>
    public bool Settling { get; set; }

    /// <summary>Whether somebody outside works on it, so that the flow cannot end before it has an outcome.</summary>
    public bool IsWork => Kind is AskKind.Step or AskKind.Undo or AskKind.Child or AskKind.Job;

    /// <summary>Whether its answer comes from outside the run, where somebody must hear of it when it is no longer wanted.</summary>
    public bool IsAnsweredOutside => IsWork || Kind == AskKind.Event;

    /// <summary>Gives the flow's code its answer.</summary>
    /// <param name="input">The input that answers.</param>
    /// <param name="live">The payload's value, where somebody has it already.</param>
    public abstract void Answer(HistoryRow input, object? live);

    /// <summary>Lets the flow's code see that it was withdrawn.</summary>
    public abstract void Withdraw(Exception reason);
}

/// <summary>A durable delay.</summary>
internal sealed class TimerAsk(int number, string name, Scope scope) : Ask(number, AskKind.Timer, name, scope)
{
    private readonly TaskCompletionSource _done = new();

    public Task Task => _done.Task;

    public override void Answer(HistoryRow input, object? live) => _done.SetResult();

    public override void Withdraw(Exception reason) => _done.SetException(reason);
}

/// <summary>The limit on a region.</summary>
internal sealed class RegionAsk(int number, string name, Scope scope, Scope region) : Ask(number, AskKind.Region, name, scope)
{
    public override void Answer(HistoryRow input, object? live) => region.LimitIsUp();

    public override void Withdraw(Exception reason)
    {
        // Nobody awaits a limit.
    }
}

/// <summary>A wait for a signal, with a limit.</summary>
internal abstract class SignalAsk(int number, string name, Scope scope) : Ask(number, AskKind.Signal, name, scope);

internal sealed class SignalAsk<T>(int number, string name, Scope scope, FlowRun run) : SignalAsk(number, name, scope)
{
    private readonly TaskCompletionSource<Maybe<T>> _done = new();

    public Task<Maybe<T>> Task => _done.Task;

    public override void Answer(HistoryRow input, object? live)
        => _done.SetResult(input.Kind == InputKind.TimerFired ? default : new Maybe<T>(run.Read<T>(input.Payload, new Serialization.PayloadName("signal", Name))));

    public override void Withdraw(Exception reason) => _done.SetException(reason);
}

/// <summary>A wait until a condition on the flow's own variables holds, with a limit.</summary>
internal sealed class ConditionAsk(int number, string name, Scope scope, Func<bool> condition) : Ask(number, AskKind.Condition, name, scope)
{
    private readonly TaskCompletionSource<bool> _done = new();

    public Task<bool> Task => _done.Task;

    public bool Holds() => condition();

    public void Meet() => _done.SetResult(true);

    public override void Answer(HistoryRow input, object? live) => _done.SetResult(false);

    public override void Withdraw(Exception reason) => _done.SetException(reason);
}

/// <summary>A child flow that is waited for, or detached.</summary>
internal abstract class ChildAsk(int number, AskKind kind, FlowKey child, Scope scope, byte[]? input)
    : Ask(number, kind, child.ToString(), scope)
{
    public FlowKey Child { get; } = child;

    /// <summary>Null while the flow's code runs again.</summary>
    public byte[]? Input { get; } = input;
}

internal sealed class ChildAsk<T>(int number, AskKind kind, FlowKey child, Scope scope, byte[]? input, FlowRun run)
    : ChildAsk(number, kind, child, scope, input)
{
    private readonly TaskCompletionSource<T> _done = new();

    public Task<T> Task => _done.Task;

    public override void Answer(HistoryRow input, object? live)
    {
        if (input.Kind == InputKind.Completed)
        {
            _done.SetResult(run.Read<T>(input.Payload, new Serialization.PayloadName("the result of child", Name)));
            return;
        }

        ErrorInfo error = Serialization.FlowJson.DeserializeError(input.Payload);
        _done.SetException(Stopping && Scope.Refusal() is { } refusal ? refusal : new ChildFailedException(Name, error));
        _ = _done.Task.Exception;
    }

    public override void Withdraw(Exception reason) => _done.SetException(reason);
}
