using Perdure.Picture;
using Perdure.Topologies;

namespace Perdure;

/// <summary>Who publishes which events, who hears of them and who waits for them: as declared where it is registered, and as seen while it runs.</summary>
public sealed class Topology
{
    internal Topology(IReadOnlyList<TopologyNode> nodes, IReadOnlyList<TopologyEdge> edges, IReadOnlyList<TopologySmell> smells)
    {
        Nodes = nodes;
        Edges = edges;
        Smells = smells;
    }

    /// <summary>Services and event types, in the order of kinds and names.</summary>
    public IReadOnlyList<TopologyNode> Nodes { get; }

    /// <summary>What leads from one to another, in the order of the nodes.</summary>
    public IReadOnlyList<TopologyEdge> Edges { get; }

    /// <summary>What looks like a mistake; empty if nothing does.</summary>
    public IReadOnlyList<TopologySmell> Smells { get; }

    /// <summary>One line per node, with what leads from it, and then the smells.</summary>
    public string ToText() => TopologyText.Write(this);

    /// <summary>A graph as Mermaid text.</summary>
    public string ToMermaid() => GraphMermaid.Write(TopologyGraph.Of(this));

    /// <summary>A graph as an SVG image that needs nothing else; it follows the viewer's light or dark scheme.</summary>
    public string ToSvg() => GraphSvg.Write(TopologyGraph.Of(this));

    /// <summary>The same as <see cref="ToText"/>.</summary>
    public override string ToString() => ToText();
}

/// <summary>A service or an event type.</summary>
/// <param name="Id">Unique in the topology: its kind and name.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Name">Its durable name.</param>
public sealed record TopologyNode(string Id, TopologyNodeKind Kind, string Name)
{
    /// <summary>Whether something is wrong with it, as <see cref="Topology.Smells"/> say.</summary>
    public bool IsSmelly { get; init; }
}

/// <summary>What there is in a topology.</summary>
public enum TopologyNodeKind
{
    /// <summary>Callers that are no part of it.</summary>
    Outside = 0,

    /// <summary>A flow type.</summary>
    Flow = 1,

    /// <summary>A subscription: a service that answers events.</summary>
    Subscription = 2,

    /// <summary>A queue whose jobs publish.</summary>
    Queue = 3,

    /// <summary>An event type.</summary>
    Event = 4,
}

/// <summary>Something leads from one to another.</summary>
/// <param name="From">A node's id.</param>
/// <param name="To">A node's id.</param>
/// <param name="Kind">How.</param>
public sealed record TopologyEdge(string From, string To, TopologyEdgeKind Kind)
{
    /// <summary>Whether it was said where it is registered.</summary>
    public bool IsDeclared { get; init; }

    /// <summary>How often it was seen among the events that were looked at.</summary>
    public int Seen { get; init; }
}

/// <summary>How one thing leads to another.</summary>
public enum TopologyEdgeKind
{
    /// <summary>A service publishes an event.</summary>
    Publishes = 0,

    /// <summary>An event is heard of by a subscription.</summary>
    HeardBy = 1,

    /// <summary>An event is waited for by a flow.</summary>
    AwaitedBy = 2,

    /// <summary>A service starts a flow.</summary>
    Starts = 3,
}

/// <summary>What looks like a mistake in a topology.</summary>
/// <param name="Kind">What kind.</param>
/// <param name="Nodes">Which nodes it is about, by their ids.</param>
/// <param name="Message">In words, with what to do.</param>
public sealed record TopologySmell(TopologySmellKind Kind, IReadOnlyList<string> Nodes, string Message);

/// <summary>What can look like a mistake.</summary>
public enum TopologySmellKind
{
    /// <summary>An event that nobody hears of or waits for.</summary>
    Unheard = 0,

    /// <summary>Services that answer each other in a circle.</summary>
    Cycle = 1,

    /// <summary>A chain of more services than one can follow.</summary>
    LongChain = 2,

    /// <summary>A run waits with no limit that anybody will live to see.</summary>
    NoLimit = 3,

    /// <summary>Runs of a flow begin, and are open for longer than they should be.</summary>
    NeverEnds = 4,
}

/// <summary>What to look at for a topology.</summary>
public sealed record TopologyOptions
{
    /// <summary>How many events of each topic are looked at, the last ones; 10,000 by default, zero for none: then only what is declared shows.</summary>
    public int EventsMax { get; init; } = 10_000;

    /// <summary>How many open runs are looked at, the newest; 1,000 by default.</summary>
    public int RunsMax { get; init; } = 1_000;

    /// <summary>From how many services in a row on a chain is too long; 5 by default.</summary>
    public int ChainMax { get; init; } = 5;

    /// <summary>For how long a run may be open before it looks as if nobody ended it; 90 days by default.</summary>
    public TimeSpan OpenMax { get; init; } = TimeSpan.FromDays(90);
}
