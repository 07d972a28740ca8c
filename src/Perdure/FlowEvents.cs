using Perdure.Engine;

namespace Perdure;

/// <summary>What a flow does with events: it publishes them, and waits for those of others.</summary>
/// <remarks>
/// An event is published by the turn that asks for it, once. A wait is for one type and one key, and is durable; with <c>First</c> a flow waits for the first
/// of several, with <see cref="Task.WhenAll(IEnumerable{Task})"/> for all in any order.
/// </remarks>
public static class FlowEvents
{
    /// <summary>Publishes an event together with this turn.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="event">The event. Its type was added with <c>AddEvent</c>.</param>
    /// <param name="key">Its key, where the type's selector does not say it.</param>
    /// <remarks>An event that cannot be published (PRD6001, PRD6002, PRD1005) makes the flow stuck with that code.</remarks>
    public static void Publish<TEvent>(this FlowContext flow, TEvent @event, string? key = null)
        where TEvent : notnull
    {
        ArgumentNullException.ThrowIfNull(flow);
        flow.Core.Verbs.PublishEvent(@event, key);
    }

    /// <summary>Waits for an event. One that came before, and that no flow has had, is taken at once.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="key">The event's key.</param>
    /// <param name="limit">How long to wait at most.</param>
    /// <exception cref="LimitReachedException">No event came within the limit.</exception>
    /// <remarks>Its type says with <see cref="EventOptions.Hold"/> that flows wait for it; otherwise the flow is stuck with PRD6010.</remarks>
    public static async Task<TEvent> Event<TEvent>(this FlowContext flow, string key, TimeSpan limit)
    {
        Maybe<TEvent> came = await flow.TryEvent<TEvent>(key, limit);
        return came.HasValue ? came.Value : throw new LimitReachedException($"the wait for event {FlowNames.Of(typeof(TEvent))} {key}", limit);
    }

    /// <summary>As <see cref="Event"/>; no value when the limit is reached.</summary>
    public static Task<Maybe<TEvent>> TryEvent<TEvent>(this FlowContext flow, string key, TimeSpan limit)
    {
        ArgumentNullException.ThrowIfNull(flow);
        return flow.Core.Verbs.Event<TEvent>(key, limit);
    }
}
