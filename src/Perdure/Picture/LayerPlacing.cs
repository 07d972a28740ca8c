namespace Perdure.Picture;

/// <summary>Says how far down each item is: as near to the middle of its neighbours as the order of its layer and the gaps allow.</summary>
internal static class LayerPlacing
{
    private const double Gap = 14;
    private const int Rounds = 3;

    public static void Place(List<List<LayoutItem>> layers)
    {
        foreach (List<LayoutItem> layer in layers)
        {
            PlaceNear(layer, _ => 0);
        }

        for (int round = 0; round < Rounds; round++)
        {
            foreach (List<LayoutItem> layer in layers)
            {
                PlaceNear(layer, item => MiddleOf(item.Before, item));
            }

            foreach (List<LayoutItem> layer in layers.AsEnumerable().Reverse())
            {
                PlaceNear(layer, item => MiddleOf(item.After, item));
            }
        }
    }

    private static double MiddleOf(List<LayoutItem> neighbours, LayoutItem own) => neighbours.Select(n => n.Middle).DefaultIfEmpty(own.Middle).Average();

    /// <summary>Places a layer's items in their order with the least squares of distances from where they want to be.</summary>
    /// <remarks>
    /// Less the heights above them, the places must only not decrease: that is isotonic regression. Neighbours that want to be the other
    /// way round form a block, which stands where its items want to be on average.
    /// </remarks>
    private static void PlaceNear(List<LayoutItem> layer, Func<LayoutItem, double> wish)
    {
        var blocks = new Stack<(double Sum, int Count)>();
        var above = new double[layer.Count];
        for (int i = 0; i < layer.Count; i++)
        {
            above[i] = i == 0 ? 0 : above[i - 1] + ((layer[i - 1].Height + layer[i].Height) / 2) + Gap;
            (double Sum, int Count) block = (wish(layer[i]) - above[i], 1);
            while (blocks.TryPeek(out (double Sum, int Count) last) && last.Sum / last.Count >= block.Sum / block.Count)
            {
                blocks.Pop();
                block = (last.Sum + block.Sum, last.Count + block.Count);
            }

            blocks.Push(block);
        }

        int index = layer.Count;
        foreach ((double sum, int count) in blocks)
        {
            for (int i = 0; i < count; i++)
            {
                index--;
                layer[index].Middle = (sum / count) + above[index];
            }
        }
    }
}
