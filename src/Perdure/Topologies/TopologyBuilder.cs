namespace Perdure.Topologies;

/// <summary>Gathers nodes and edges; what is declared and what is seen of one edge come together.</summary>
internal sealed class TopologyBuilder
{
    private readonly SortedDictionary<(TopologyNodeKind Kind, string Name), TopologyNode> _nodes = [];
    private readonly Dictionary<(string From, string To, TopologyEdgeKind Kind), TopologyEdge> _edges = [];

    public string Node(TopologyNodeKind kind, string name)
    {
        if (!_nodes.TryGetValue((kind, name), out TopologyNode? node))
        {
            _nodes.Add((kind, name), node = new TopologyNode($"{kind.ToString().ToLowerInvariant()}:{name}", kind, name));
        }

        return node.Id;
    }

    public void Declare(string from, string to, TopologyEdgeKind kind) => _edges[(from, to, kind)] = Edge(from, to, kind) with { IsDeclared = true };

    public void See(string from, string to, TopologyEdgeKind kind)
    {
        TopologyEdge edge = Edge(from, to, kind);
        _edges[(from, to, kind)] = edge with { Seen = edge.Seen + 1 };
    }

    public Topology Build(IReadOnlyList<TopologySmell> found, int chainMax)
    {
        List<TopologyNode> nodes = [.. _nodes.Values];
        Dictionary<string, int> order = nodes.Select((n, i) => (n.Id, i)).ToDictionary(n => n.Id, n => n.i);
        List<TopologyEdge> edges = [.. _edges.Values.OrderBy(e => order[e.From]).ThenBy(e => order[e.To]).ThenBy(e => e.Kind)];
        List<TopologySmell> smells = [.. Smells.Find(nodes, edges, chainMax), .. found];
        HashSet<string> smelly = [.. smells.SelectMany(s => s.Nodes)];
        return new Topology(nodes.ConvertAll(n => n with { IsSmelly = smelly.Contains(n.Id) }), edges, smells);
    }

    private TopologyEdge Edge(string from, string to, TopologyEdgeKind kind) => _edges.GetValueOrDefault((from, to, kind)) ?? new TopologyEdge(from, to, kind);
}
