using Perdure.Engine;
using Perdure.Events;
using Perdure.Storage;

namespace Perdure.Picture;

/// <summary>How what causes something is named. Whatever may be a cause bears that text as its entry's id, so who caused what is a matter of equal texts.</summary>
internal static class CauseText
{
    private const string FlowStart = "flow:";

    public static string Flow(FlowKey flow) => FlowStart + flow;

    /// <summary>An ask of a flow.</summary>
    public static string Ask(FlowKey flow, int ask) => CurrentCause.OfFlow(flow, ask);

    public static string Job(string id) => "job:" + id;

    public static string Event(string topic, long position) => $"event:{EventRef.Name(topic, position)}";

    /// <summary>A subscription's handler of an event.</summary>
    public static string Delivery(string @event, string subscription) => $"{@event}@{subscription}";

    /// <summary>The cause of a flow that a flow or a job started and awaits.</summary>
    public static string Of(ParentRef parent)
        => parent.Flow.Type.StartsWith(Shard.HomeKey.Type, StringComparison.Ordinal)
            ? Job($"{parent.Flow.Type[Shard.HomeKey.Type.Length..]}-{parent.Flow.Id}")
            : Ask(parent.Flow, parent.Ask);

    /// <summary>The flow that an ask is one of; null for other causes.</summary>
    public static string? FlowOf(string cause)
    {
        int hash = cause.LastIndexOf('#');
        return hash > 0 && cause.StartsWith(FlowStart, StringComparison.Ordinal) ? cause[..hash] : null;
    }
}
