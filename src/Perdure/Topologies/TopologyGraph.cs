using Perdure.Picture;

namespace Perdure.Topologies;

/// <summary>A topology as a graph. What is only declared, and was not seen, is dashed.</summary>
internal static class TopologyGraph
{
    public static Graph Of(Topology topology)
    {
        var graph = new Graph("Who publishes, who hears, who waits");
        Dictionary<string, int> indexes = [];
        foreach (TopologyNode node in topology.Nodes)
        {
            indexes.Add(node.Id, graph.Nodes.Count);
            graph.Nodes.Add(new GraphNode(node.Id, node.Name, node.Kind.ToString().ToLowerInvariant(), ToneOf(node.Kind)) { IsBad = node.IsSmelly });
        }

        graph.Edges.AddRange(topology.Edges.Select(e => new GraphEdge(indexes[e.From], indexes[e.To], LabelOf(e.Kind)) { IsDashed = e.Seen == 0 }));
        return graph;
    }

    private static string LabelOf(TopologyEdgeKind kind) => kind switch
    {
        TopologyEdgeKind.AwaitedBy => "awaited by",
        TopologyEdgeKind.Starts => "starts",
        _ => "",
    };

    private static Tone ToneOf(TopologyNodeKind kind) => kind switch
    {
        TopologyNodeKind.Flow => Tone.Flow,
        TopologyNodeKind.Subscription => Tone.Handler,
        TopologyNodeKind.Queue => Tone.Job,
        TopologyNodeKind.Event => Tone.Event,
        _ => Tone.Plain,
    };
}

/// <summary>A topology as text.</summary>
internal static class TopologyText
{
    public static string Write(Topology topology)
    {
        Dictionary<string, TopologyNode> nodes = topology.Nodes.ToDictionary(n => n.Id);
        ILookup<string, TopologyEdge> from = topology.Edges.ToLookup(e => e.From);
        IEnumerable<string> lines = topology.Nodes.SelectMany(n => from[n.Id].Select(Line).Prepend($"{n.Kind.ToString().ToLowerInvariant()} {PlainText.Clean(n.Name)}"));
        return string.Join('\n', [.. lines, .. topology.Smells.Select(s => $"! {PlainText.Clean(s.Message)}")]);

        string Line(TopologyEdge edge) => $"  {Word(edge.Kind)} {PlainText.Clean(nodes[edge.To].Name)}{(edge.Seen == 0 ? " (not seen)" : edge.IsDeclared ? "" : " (not declared)")}";
    }

    private static string Word(TopologyEdgeKind kind) => kind switch
    {
        TopologyEdgeKind.Publishes => "publishes",
        TopologyEdgeKind.HeardBy => "is heard by",
        TopologyEdgeKind.AwaitedBy => "is awaited by",
        _ => "starts",
    };
}
