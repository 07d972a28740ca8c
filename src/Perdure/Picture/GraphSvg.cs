using System.Globalization;
using System.Text;

namespace Perdure.Picture;

/// <summary>A graph as SVG.</summary>
internal static class GraphSvg
{
    private const int TextLengthMax = 64;
    private const double Padding = 12;
    private const double LineHeight = 16;
    private const double LabelPadding = 6;
    private const double CounterShift = 5; // an edge and the one that leads back do not lie upon each other

    public static string Write(Graph graph)
    {
        ILookup<int, GraphEdge> loops = graph.Edges.Where(e => e.From == e.To).ToLookup(e => e.From);
        List<string>[] lines = [.. graph.Nodes.Select((node, i) => Lines(node, loops[i]))];
        GraphLayout layout = GraphLayout.Of(graph, node => SizeOf(lines[node]), label => (TextWidth.Of(Clip(label), Svg.SmallFontSize) + (2 * LabelPadding), LineHeight));
        var svg = new Svg(graph.Title, layout.Rights[^1] + (2 * Svg.Margin), Svg.Top + layout.Height + Svg.Margin);
        foreach (LayoutEdge edge in layout.Edges)
        {
            Edge(svg, layout, edge);
        }

        for (int node = 0; node < graph.Nodes.Count; node++)
        {
            Node(svg, graph.Nodes[node], lines[node], layout.Lefts[layout.Nodes[node].Layer] + Svg.Margin, layout.Nodes[node]);
        }

        return svg.End();
    }

    private static List<string> Lines(GraphNode node, IEnumerable<GraphEdge> loops)
    {
        List<string> lines = [Clip(node.Text)];
        if (node.Detail.Length > 0)
        {
            lines.Add(Clip(node.Detail));
        }

        lines.AddRange(loops.Select(e => Clip($"↻ {e.Label}")));
        return lines;
    }

    private static (double Width, double Height) SizeOf(List<string> lines)
        => (lines.Index().Max(line => TextWidth.Of(line.Item, FontSize(line.Index))) + (2 * Padding), (lines.Count * LineHeight) + Padding);

    private static void Node(Svg svg, GraphNode node, List<string> lines, double x, LayoutItem item)
    {
        double y = Svg.Top + item.Middle - (item.Height / 2);
        double corner = node.Tone switch
        {
            Tone.Event => item.Height / 2,
            Tone.Wait => 10,
            Tone.Handler => 0,
            _ => 4,
        };
        string look = $"box {node.Tone.ToString().ToLowerInvariant()}{(node.IsBad ? " bad-box" : "")}{(node.IsOpen ? " dash" : "")}";
        svg.Add($"<g data-id=\"{node.Id}\">\n<title>{node.Text}: {node.Detail}</title>\n");
        svg.Add($"<rect class=\"{look}\" x=\"{x}\" y=\"{y}\" width=\"{item.Width}\" height=\"{item.Height}\" rx=\"{corner}\"/>\n");
        for (int line = 0; line < lines.Count; line++)
        {
            svg.Text(x + (item.Width / 2), y + (Padding / 2) + ((line + 1) * LineHeight) - 4, lines[line], line == 0 ? "name" : "muted", FontSize(line), "middle");
        }

        svg.Add($"</g>\n");
    }

    /// <summary>Level behind boxes and labels, and swung between the layers.</summary>
    private static void Edge(Svg svg, GraphLayout layout, LayoutEdge edge)
    {
        double shift = Svg.Top + (edge.IsReversed ? CounterShift : 0);
        LayoutItem first = edge.Items[0];
        var path = new StringBuilder();
        Append($"M{layout.Lefts[first.Layer] + Svg.Margin + first.Width:0.##} {first.Middle + shift:0.##}H{layout.Rights[first.Layer] + Svg.Margin:0.##}");
        for (int i = 1; i < edge.Items.Count; i++)
        {
            LayoutItem item = edge.Items[i];
            double from = layout.Rights[edge.Items[i - 1].Layer] + Svg.Margin;
            double to = layout.Lefts[item.Layer] + Svg.Margin;
            double middle = (from + to) / 2;
            Append($"C{middle:0.##} {edge.Items[i - 1].Middle + shift:0.##} {middle:0.##} {item.Middle + shift:0.##} {to:0.##} {item.Middle + shift:0.##}");
            if (item.Width > 0 && i < edge.Items.Count - 1)
            {
                svg.Text(to + LabelPadding, item.Middle + shift + 4, Clip(edge.Edge.Label), "label muted", Svg.SmallFontSize);
                Append($"M{to + item.Width:0.##} {item.Middle + shift:0.##}");
            }

            if (i < edge.Items.Count - 1)
            {
                Append($"H{layout.Rights[item.Layer] + Svg.Margin:0.##}");
            }
        }

        svg.Add($"<path class=\"{(edge.Edge.IsDashed ? "line dash" : "line")}\" d=\"{path}\"/>\n");
        LayoutItem tip = edge.Items[^1];
        if (edge.IsReversed)
        {
            svg.ArrowHead(layout.Lefts[first.Layer] + Svg.Margin + first.Width, first.Middle + shift, toRight: false);
        }
        else
        {
            svg.ArrowHead(layout.Lefts[tip.Layer] + Svg.Margin, tip.Middle + shift, toRight: true);
        }

        void Append(FormattableString part) => path.Append(part.ToString(CultureInfo.InvariantCulture));
    }

    private static double FontSize(int line) => line == 0 ? Svg.FontSize : Svg.SmallFontSize;

    private static string Clip(string text) => PlainText.Clip(PlainText.Clean(text), TextLengthMax);
}
