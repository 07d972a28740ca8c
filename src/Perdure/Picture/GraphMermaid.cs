using System.Globalization;
using System.Text;

namespace Perdure.Picture;

/// <summary>A graph as Mermaid text. Only borders are coloured: the rest is the viewer's theme, light or dark.</summary>
internal static class GraphMermaid
{
    private const int TextLengthMax = 60;

    public static string Write(Graph graph)
    {
        var text = new StringBuilder("flowchart LR\n");
        for (int i = 0; i < graph.Nodes.Count; i++)
        {
            GraphNode node = graph.Nodes[i];
            (string open, string close) = Shape(node.Tone);
            string detail = node.Detail.Length == 0 ? "" : "<br/>" + Escape(node.Detail);
            text.Append(CultureInfo.InvariantCulture, $"    n{i}{open}\"{Escape(node.Text)}{detail}\"{close}");
            text.Append(node.IsBad ? ":::bad" : node.IsOpen ? ":::open" : "").Append('\n');
        }

        foreach (GraphEdge edge in graph.Edges)
        {
            string arrow = edge.IsDashed ? "-.->" : "-->";
            string label = edge.Label.Length == 0 ? "" : $"|\"{Escape(edge.Label)}\"|";
            text.Append(CultureInfo.InvariantCulture, $"    n{edge.From} {arrow}{label} n{edge.To}\n");
        }

        text.Append("    classDef bad stroke:#d1242f,stroke-width:3px\n");
        text.Append("    classDef open stroke-dasharray:5 4\n");
        return text.ToString();
    }

    private static (string Open, string Close) Shape(Tone tone) => tone switch
    {
        Tone.Flow => ("[[", "]]"),
        Tone.Event => ("([", "])"),
        Tone.Job => ("[/", "/]"),
        Tone.Wait => ("(", ")"),
        Tone.Undo => ("{{", "}}"),
        _ => ("[", "]"),
    };

    private static string Escape(string text) => MermaidText.Escape(PlainText.Clip(text, TextLengthMax));
}
