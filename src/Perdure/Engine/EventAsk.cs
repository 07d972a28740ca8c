using Perdure.Events;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>A wait for an event, with a limit. Its name is the event's type and key.</summary>
internal abstract class EventAsk(int number, string type, string key, Scope scope) : Ask(number, AskKind.Event, $"{type}/{key}", scope)
{
    public FlowWait Wanted { get; } = new() { Type = type, Key = key };
}

internal sealed class EventAsk<T>(int number, string type, string key, Scope scope, FlowRun run) : EventAsk(number, type, key, scope)
{
    private readonly TaskCompletionSource<Maybe<T>> _done = new();

    public Task<Maybe<T>> Task => _done.Task;

    public override void Answer(HistoryRow input, object? live)
    {
        if (input.Kind == InputKind.TimerFired)
        {
            run.Turn.Stopped.Add(this); // where events come in, the wait must end, too
            _done.SetResult(default);
        }
        else
        {
            _done.SetResult(new Maybe<T>(run.Read<T>(input.Payload, new Serialization.PayloadName("event", Name))));
        }
    }

    public override void Withdraw(Exception reason) => _done.SetException(reason);
}

/// <summary>An event that is published. Its name is the event's type.</summary>
internal sealed class PublishAsk(int number, string type, Scope scope, FlowEvent? wanted) : Ask(number, AskKind.Publish, type, scope)
{
    /// <summary>Null while the flow's code runs again.</summary>
    public FlowEvent? Wanted { get; } = wanted;

    public override void Answer(HistoryRow input, object? live)
    {
        // Nobody awaits it.
    }

    public override void Withdraw(Exception reason)
    {
        // Nobody awaits it.
    }
}
