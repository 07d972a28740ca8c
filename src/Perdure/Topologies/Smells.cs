namespace Perdure.Topologies;

/// <summary>Finds what looks like a mistake in how services are joined.</summary>
internal static class Smells
{
    public static IEnumerable<TopologySmell> Find(IReadOnlyList<TopologyNode> nodes, IReadOnlyList<TopologyEdge> edges, int chainMax)
    {
        ILookup<string, string> next = edges.ToLookup(e => e.From, e => e.To);
        foreach (TopologyNode unheard in nodes.Where(n => n.Kind == TopologyNodeKind.Event && !next.Contains(n.Id)))
        {
            yield return new TopologySmell(TopologySmellKind.Unheard, [unheard.Id], $"nobody hears of event {unheard.Name}, and no flow waits for it: is a Subscribe missing, or the event not needed?");
        }

        Dictionary<string, TopologyNode> byId = nodes.ToDictionary(n => n.Id);
        List<List<string>> circles = Circles([.. nodes.Select(n => n.Id)], next);
        foreach (List<string> circle in circles.Where(c => c.Count > 1 || next[c[0]].Contains(c[0])))
        {
            yield return new TopologySmell(TopologySmellKind.Cycle, circle, $"{Names(circle, byId)} lead to each other in a circle: what ends it?");
        }

        List<string> chain = LongestChain(circles, next, byId);
        int services = chain.Count(id => IsService(byId[id]));
        if (services > chainMax)
        {
            yield return new TopologySmell(TopologySmellKind.LongChain, chain, $"a chain of {services} services, where more than {chainMax} are hard to follow: {Names(chain, byId)}. Would one flow that tells them say it better?");
        }
    }

    private static bool IsService(TopologyNode node) => node.Kind is TopologyNodeKind.Flow or TopologyNodeKind.Subscription or TopologyNodeKind.Queue;

    private static string Names(IEnumerable<string> ids, Dictionary<string, TopologyNode> byId) => string.Join(" → ", ids.Select(id => byId[id].Name));

    /// <summary>Nodes that reach each other, together; in reverse topological order (R. Tarjan, Depth-first search and linear graph algorithms, 1972).</summary>
    private static List<List<string>> Circles(IReadOnlyList<string> nodes, ILookup<string, string> next)
    {
        var found = new List<List<string>>();
        var index = new Dictionary<string, int>();
        var low = new Dictionary<string, int>();
        var open = new Stack<string>();
        var isOpen = new HashSet<string>();
        foreach (string node in nodes.Where(n => !index.ContainsKey(n)))
        {
            Visit(node);
        }

        return found;

        void Visit(string node)
        {
            index[node] = low[node] = index.Count;
            open.Push(node);
            isOpen.Add(node);
            foreach (string to in next[node])
            {
                if (!index.TryGetValue(to, out int seen))
                {
                    Visit(to);
                    low[node] = Math.Min(low[node], low[to]);
                }
                else if (isOpen.Contains(to))
                {
                    low[node] = Math.Min(low[node], seen);
                }
            }

            if (low[node] == index[node])
            {
                List<string> circle = [];
                do
                {
                    circle.Insert(0, open.Peek());
                    isOpen.Remove(open.Peek());
                }
                while (open.Pop() != node);
                found.Add(circle);
            }
        }
    }

    /// <summary>The chain with the most services; a circle counts once.</summary>
    private static List<string> LongestChain(List<List<string>> circles, ILookup<string, string> next, Dictionary<string, TopologyNode> byId)
    {
        var circleOf = circles.SelectMany(c => c, (c, id) => (c, id)).ToDictionary(p => p.id, p => p.c);
        var longest = new Dictionary<List<string>, List<string>>();
        List<string> best = [];
        foreach (List<string> circle in circles) // what it leads to comes before it
        {
            List<string> rest = [];
            foreach (string to in circle.SelectMany(id => next[id]).Where(to => circleOf[to] != circle))
            {
                rest = Services(longest[circleOf[to]]) > Services(rest) ? longest[circleOf[to]] : rest;
            }

            longest[circle] = [.. circle, .. rest];
            best = Services(longest[circle]) > Services(best) ? longest[circle] : best;
        }

        return best;

        int Services(List<string> chain) => chain.Count(id => IsService(byId[id]));
    }
}
