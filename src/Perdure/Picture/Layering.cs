namespace Perdure.Picture;

/// <summary>In which layer each node of a graph is, so that edges lead from left to right; circles are cut.</summary>
/// <param name="Layers">Of each node.</param>
/// <param name="IsReversed">Of each edge, whether it leads from right to left: it would close a circle.</param>
internal sealed record Layering(int[] Layers, bool[] IsReversed)
{
    public static Layering Of(Graph graph)
    {
        ILookup<int, int> leaving = Enumerable.Range(0, graph.Edges.Count).ToLookup(e => graph.Edges[e].From);
        var isReversed = new bool[graph.Edges.Count];
        List<int> finished = Visit(graph, leaving, isReversed);
        var layers = new int[graph.Nodes.Count];
        List<(int Left, int Right, int Span)>[] edges = [.. Enumerable.Range(0, graph.Nodes.Count).Select(_ => new List<(int, int, int)>())];
        for (int i = 0; i < graph.Edges.Count; i++)
        {
            GraphEdge edge = graph.Edges[i];
            if (edge.From != edge.To)
            {
                (int left, int right) = isReversed[i] ? (edge.To, edge.From) : (edge.From, edge.To);
                edges[left].Add((left, right, edge.Label.Length > 0 ? 2 : 1)); // a label takes a layer of its own
            }
        }

        // The reverse order of finishing is one in which all edges lead ahead.
        foreach ((int left, int right, int span) in finished.AsEnumerable().Reverse().SelectMany(node => edges[node]))
        {
            layers[right] = Math.Max(layers[right], layers[left] + span);
        }

        return new Layering(layers, isReversed);
    }

    /// <summary>Goes along all edges, depth first, and notes those that lead back to where it comes from.</summary>
    /// <returns>The nodes in the order in which all that they lead to had been seen.</returns>
    private static List<int> Visit(Graph graph, ILookup<int, int> leaving, bool[] isReversed)
    {
        List<int> finished = [];
        var onPath = new bool[graph.Nodes.Count];
        var seen = new bool[graph.Nodes.Count];
        var path = new Stack<(int Node, IEnumerator<int> Edges)>();
        for (int start = 0; start < graph.Nodes.Count; start++)
        {
            Enter(start);
            while (path.TryPeek(out (int Node, IEnumerator<int> Edges) top))
            {
                if (!top.Edges.MoveNext())
                {
                    path.Pop();
                    onPath[top.Node] = false;
                    finished.Add(top.Node);
                    continue;
                }

                int next = graph.Edges[top.Edges.Current].To;
                isReversed[top.Edges.Current] = onPath[next];
                Enter(next);
            }
        }

        return finished;

        void Enter(int node)
        {
            if (!seen[node])
            {
                seen[node] = true;
                onPath[node] = true;
                path.Push((node, leaving[node].GetEnumerator()));
            }
        }
    }
}
