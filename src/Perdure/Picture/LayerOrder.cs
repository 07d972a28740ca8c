namespace Perdure.Picture;

/// <summary>Orders the items of each layer so that few edges cross. Those of a tree do not at all.</summary>
internal static class LayerOrder
{
    private const int SweepsMax = 8;

    public static void Sort(List<List<LayoutItem>> layers)
    {
        ByVisit(layers);
        long fewest = Crossings(layers);
        List<LayoutItem[]> best = layers.ConvertAll(layer => layer.ToArray());
        for (int sweep = 0; sweep < SweepsMax && fewest > 0; sweep++)
        {
            bool toRight = sweep % 2 == 0;
            foreach (List<LayoutItem> layer in toRight ? layers : layers.AsEnumerable().Reverse())
            {
                ByNeighbours(layer, toRight);
            }

            long crossings = Crossings(layers);
            if (crossings < fewest)
            {
                (fewest, best) = (crossings, layers.ConvertAll(layer => layer.ToArray()));
            }
        }

        for (int layer = 0; layer < layers.Count; layer++)
        {
            Set(layers[layer], best[layer]);
        }
    }

    /// <summary>The order in which a walk along the edges, depth first, comes to the items.</summary>
    private static void ByVisit(List<List<LayoutItem>> layers)
    {
        List<LayoutItem> starts = [.. layers.SelectMany(layer => layer).Where(item => item.Before.Count == 0)];
        List<List<LayoutItem>> visited = layers.ConvertAll(_ => new List<LayoutItem>());
        HashSet<LayoutItem> seen = [];
        var next = new Stack<LayoutItem>(starts.AsEnumerable().Reverse());
        while (next.TryPop(out LayoutItem? item))
        {
            if (seen.Add(item))
            {
                visited[item.Layer].Add(item);
                foreach (LayoutItem after in item.After.AsEnumerable().Reverse())
                {
                    next.Push(after);
                }
            }
        }

        for (int layer = 0; layer < layers.Count; layer++)
        {
            Set(layers[layer], visited[layer]);
        }
    }

    /// <summary>Sorts a layer by where, on average, its items' neighbours to one side are.</summary>
    private static void ByNeighbours(List<LayoutItem> layer, bool toRight)
        => Set(layer, [.. layer.OrderBy(item => (toRight ? item.Before : item.After).Select(n => (double)n.Place).DefaultIfEmpty(item.Place).Average())]);

    private static void Set(List<LayoutItem> layer, IReadOnlyList<LayoutItem> order)
    {
        for (int place = 0; place < order.Count; place++)
        {
            layer[place] = order[place];
            order[place].Place = place;
        }
    }

    private static long Crossings(List<List<LayoutItem>> layers) => layers.Skip(1).Zip(layers, (right, left) => Crossings(left, right.Count)).Sum();

    /// <summary>Counts the pairs of edges between two layers of which one begins above the other and ends below it.</summary>
    private static long Crossings(List<LayoutItem> left, int rightCount)
    {
        var ends = new int[rightCount + 1]; // a Fenwick tree: how many edges so far end at or above a place
        long crossings = 0;
        int count = 0;
        foreach (LayoutItem item in left)
        {
            foreach (LayoutItem after in item.After)
            {
                crossings += count - AtOrAbove(after.Place);
            }

            foreach (LayoutItem after in item.After)
            {
                count++;
                for (int i = after.Place + 1; i <= rightCount; i += i & -i)
                {
                    ends[i]++;
                }
            }
        }

        return crossings;

        int AtOrAbove(int place)
        {
            int sum = 0;
            for (int i = place + 1; i > 0; i -= i & -i)
            {
                sum += ends[i];
            }

            return sum;
        }
    }
}
