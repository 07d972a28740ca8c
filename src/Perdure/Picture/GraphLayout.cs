namespace Perdure.Picture;

/// <summary>Something that takes place in a layer: a node, an edge's label, or where a long edge passes through.</summary>
internal sealed class LayoutItem(double width, double height, int layer)
{
    public double Width { get; } = width;

    public double Height { get; } = height;

    public int Layer { get; } = layer;

    /// <summary>Its index in its layer, from the top.</summary>
    public int Place { get; set; }

    /// <summary>How far down its middle is.</summary>
    public double Middle { get; set; }

    /// <summary>What leads to it, one layer to the left.</summary>
    public List<LayoutItem> Before { get; } = [];

    /// <summary>Where it leads to, one layer to the right.</summary>
    public List<LayoutItem> After { get; } = [];
}

/// <summary>An edge's way.</summary>
/// <param name="Edge">The edge.</param>
/// <param name="IsReversed">Whether it leads from right to left.</param>
/// <param name="Items">What it touches, from left to right, with the nodes at its ends.</param>
internal sealed record LayoutEdge(GraphEdge Edge, bool IsReversed, IReadOnlyList<LayoutItem> Items);

/// <summary>Where each box, label and arrow of a graph goes: layers from left to right, in which nothing overlaps.</summary>
/// <remarks>
/// The usual four steps. Circles are cut and layers given (<see cref="Layering"/>); labels, and long edges in each layer that they pass,
/// become items of their own; each layer is ordered so that few edges cross (<see cref="LayerOrder"/>), then each item comes as near to the
/// middle of its neighbours as the order and the gaps allow (<see cref="LayerPlacing"/>).
/// </remarks>
internal sealed class GraphLayout
{
    private const double LayerGap = 46;
    private const double PassHeight = 4;
    private const int PassedLayersMax = 24; // longer edges go behind the boxes: each layer passed is an item to be placed

    private readonly List<List<LayoutItem>> _layers = [];

    private GraphLayout()
    {
    }

    public List<LayoutItem> Nodes { get; } = [];

    public List<LayoutEdge> Edges { get; } = [];

    /// <summary>Where each layer begins.</summary>
    public double[] Lefts { get; private set; } = [];

    /// <summary>Where each layer ends.</summary>
    public double[] Rights { get; private set; } = [];

    public double Height { get; private set; }

    /// <param name="graph">The graph; edges from a node to itself are left out.</param>
    /// <param name="sizeOf">The size of a node's box.</param>
    /// <param name="labelSizeOf">The size of a label.</param>
    public static GraphLayout Of(Graph graph, Func<int, (double Width, double Height)> sizeOf, Func<string, (double Width, double Height)> labelSizeOf)
    {
        var layout = new GraphLayout();
        var layering = Layering.Of(graph);
        for (int node = 0; node < graph.Nodes.Count; node++)
        {
            (double width, double height) = sizeOf(node);
            layout.Nodes.Add(layout.Add(width, height, layering.Layers[node]));
        }

        for (int edge = 0; edge < graph.Edges.Count; edge++)
        {
            if (graph.Edges[edge].From != graph.Edges[edge].To)
            {
                layout.Lay(graph.Edges[edge], layering.IsReversed[edge], labelSizeOf);
            }
        }

        LayerOrder.Sort(layout._layers);
        LayerPlacing.Place(layout._layers);
        layout.Measure();
        return layout;
    }

    private LayoutItem Add(double width, double height, int layer)
    {
        while (_layers.Count <= layer)
        {
            _layers.Add([]);
        }

        var item = new LayoutItem(width, height, layer);
        _layers[layer].Add(item);
        return item;
    }

    private void Lay(GraphEdge edge, bool isReversed, Func<string, (double Width, double Height)> labelSizeOf)
    {
        LayoutItem left = Nodes[isReversed ? edge.To : edge.From];
        LayoutItem right = Nodes[isReversed ? edge.From : edge.To];
        List<LayoutItem> items = [left];
        bool isLong = right.Layer - left.Layer > PassedLayersMax;
        for (int layer = left.Layer + 1; layer < (isLong ? left.Layer + 2 : right.Layer); layer++)
        {
            bool hasLabel = edge.Label.Length > 0 && items.Count == 1;
            (double width, double height) = hasLabel ? labelSizeOf(edge.Label) : (0, PassHeight);
            items.Add(Add(width, height, layer));
        }

        items.Add(right);
        for (int i = 1; i < items.Count; i++)
        {
            if (items[i].Layer == items[i - 1].Layer + 1)
            {
                items[i - 1].After.Add(items[i]);
                items[i].Before.Add(items[i - 1]);
            }
        }

        Edges.Add(new LayoutEdge(edge, isReversed, items));
    }

    private void Measure()
    {
        Lefts = new double[_layers.Count];
        Rights = new double[_layers.Count];
        double x = 0;
        for (int layer = 0; layer < _layers.Count; layer++)
        {
            Lefts[layer] = x;
            Rights[layer] = x + _layers[layer].Select(item => item.Width).DefaultIfEmpty(0).Max();
            x = Rights[layer] + LayerGap;
        }

        double top = _layers.Min(layer => layer.Min(item => item.Middle - (item.Height / 2)));
        foreach (LayoutItem item in _layers.SelectMany(layer => layer))
        {
            item.Middle -= top;
        }

        Height = _layers.Max(layer => layer.Max(item => item.Middle + (item.Height / 2)));
    }
}
