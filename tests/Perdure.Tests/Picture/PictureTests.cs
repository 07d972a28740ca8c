using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Perdure.Picture;
using Perdure.Shared;

namespace Perdure.Tests.Picture;

/// <summary>What is drawn of a transaction.</summary>
public partial class PictureTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 60)];

    [Fact]
    public async Task The_guide_shows_what_is_drawn()
    {
        string guide = Read("docs/guides/transactions.md");
        foreach ((string name, BusinessTransaction order) in (IEnumerable<(string, BusinessTransaction)>)[("orchestrated", await Orders.OrchestratedAsync()), ("choreographed", await Orders.ChoreographedAsync())])
        {
            guide.ShouldContain(order.ToText(), Case.Sensitive);
            guide.ShouldContain(order.ToMermaidSequence(), Case.Sensitive);
            guide.ShouldContain(order.ToMermaidGraph(), Case.Sensitive);
            Read($"docs/guides/pictures/{name}-sequence.svg").ShouldBe(order.ToSequenceSvg());
            Read($"docs/guides/pictures/{name}-graph.svg").ShouldBe(order.ToGraphSvg());
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Every_entry_is_in_every_picture_once(int seed)
    {
        BusinessTransaction transaction = RandomTransaction.Of(seed);
        int count = transaction.Entries.Count;
        IEnumerable<string> ids = transaction.Entries.Select(e => PlainText.Clean(e.Id));

        transaction.ToText().TrimEnd('\n').Split('\n').Length.ShouldBe(count + 1);
        string sequence = transaction.ToMermaidSequence();
        MessageLine().Count(sequence).ShouldBe(count);
        sequence.TrimEnd('\n').Split('\n').ShouldAllBe(line => SequenceLine().IsMatch(line));
        string graph = transaction.ToMermaidGraph();
        NodeLine().Count(graph).ShouldBe(count);
        graph.TrimEnd('\n').Split('\n').ShouldAllBe(line => GraphLine().IsMatch(line));
        DrawnIds(transaction.ToSequenceSvg()).Where(id => id != "answer").ShouldBe(ids, ignoreOrder: true);
        DrawnIds(transaction.ToGraphSvg()).ShouldBe(ids, ignoreOrder: true);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void No_two_texts_of_a_picture_overlap(int seed)
    {
        BusinessTransaction transaction = RandomTransaction.Of(seed);

        Apart(transaction.ToGraphSvg());
        Apart(transaction.ToSequenceSvg());
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Graphs_with_circles_and_labels_are_drawn_without_overlaps(int seed)
    {
        var random = new Random(seed);
        var graph = new Graph("topology");
        int count = random.Next(1, 25);
        for (int i = 0; i < count; i++)
        {
            graph.Nodes.Add(new GraphNode($"{i}", $"node {i}", random.Next(2) == 0 ? "" : "detail", (Tone)random.Next(7)));
        }

        for (int i = random.Next(3 * count); i > 0; i--)
        {
            graph.Edges.Add(new GraphEdge(random.Next(count), random.Next(count), random.Next(2) == 0 ? "" : $"event {i}"));
        }

        string svg = GraphSvg.Write(graph);

        Apart(svg);
        foreach (GraphEdge edge in graph.Edges.Where(e => e.Label.Length > 0))
        {
            XDocument.Parse(svg).Descendants().Count(e => e.Name.LocalName == "text" && e.Value.EndsWith(edge.Label, StringComparison.Ordinal) && e.Value.TrimStart('↻', ' ') == edge.Label).ShouldBe(1);
        }
    }

    [Fact]
    public void A_tree_is_drawn_without_crossings()
    {
        var random = new Random(7);
        var graph = new Graph("tree");
        for (int i = 0; i < 300; i++)
        {
            graph.Nodes.Add(new GraphNode($"{i}", $"{i}", "", Tone.Plain));
            if (i > 0)
            {
                graph.Edges.Add(new GraphEdge(random.Next(i), i));
            }
        }

        GraphLayout layout = GraphLayout.Of(graph, _ => (50, 20), _ => (10, 10));

        foreach (IGrouping<int, GraphEdge> between in graph.Edges.GroupBy(e => layout.Nodes[e.To].Layer))
        {
            double[] starts = [.. between.OrderBy(e => layout.Nodes[e.To].Middle).Select(e => layout.Nodes[e.From].Middle)];
            starts.ShouldBe(starts.Order());
        }
    }

    [Theory]
    [InlineData("a;b#c \"end\" <b>", "a#59;b#35;c #34;end#34; #60;b#62;")]
    [InlineData("the end", "the #101;nd")]
    [InlineData("wrap: no", "#119;rap: no")]
    [InlineData("line\nbreak `md` $$x$$", "line break #96;md#96; #36; #36;x#36; #36;")]
    [InlineData("日本語 🍕", "日本語 #127829;")]
    public void Names_are_escaped_for_mermaid(string name, string escaped) => MermaidText.Escape(name).ShouldBe(escaped);

    [Theory]
    [InlineData(0, "0 ms")]
    [InlineData(0.44, "0.4 ms")]
    [InlineData(99.94, "99.9 ms")]
    [InlineData(99.96, "100 ms")]
    [InlineData(999.4, "999 ms")]
    [InlineData(1_234, "1.234 s")]
    [InlineData(59_990, "59.99 s")]
    [InlineData(59_999, "59.99 s")]
    [InlineData(60_000, "1 min 0 s")]
    [InlineData(3_599_999, "59 min 59 s")]
    [InlineData(7_260_000, "2 h 1 min")]
    [InlineData(1_000_000_000, "11 d 13 h")]
    public void Times_are_short(double ms, string text) => PlainText.Span(TimeSpan.FromMilliseconds(ms)).ShouldBe(text);

    [Theory] // advances in DejaVu Sans, the widest of the usual fonts, as a browser measured them at 13 px
    [InlineData("create-order/1042", 118.33)]
    [InlineData("MMMMWWWW@%", 121.63)]
    [InlineData("iiiilllljjjj....,,,,", 76.4)]
    [InlineData("0123456789 ABCDEFGHIJKLNOPQRSTUVXYZ", 289.9)]
    [InlineData("äöüßéñçøåЖДфя", 114.75)]
    public void A_text_is_never_taken_for_narrower_than_it_is(string text, double measured)
        => TextWidth.Of(text, 13).ShouldBeInRange(measured, measured * 1.4);

    private static string Read(string path) => File.ReadAllText(Path.Combine(SourceTree.Root, path));

    private static IEnumerable<string> DrawnIds(string svg) => XDocument.Parse(svg).Descendants().Select(e => e.Attribute("data-id")?.Value).OfType<string>();

    /// <summary>Checks that texts do not overlap, that boxes do not, and that each text in a box fits into it.</summary>
    private static void Apart(string svg)
    {
        XElement root = XDocument.Parse(svg).Root!;
        double width = Number(root, "width");
        double height = Number(root, "height");
        List<Box> texts = [.. root.Descendants().Where(e => e.Name.LocalName == "text").Select(TextBox)];
        List<Box> boxes = [.. root.Descendants().Where(e => e.Name.LocalName == "rect" && e.Attribute("class")!.Value != "back").Select(e => new Box(Number(e, "x"), Number(e, "y"), Number(e, "width"), Number(e, "height")))];

        texts.Concat(boxes).ShouldAllBe(b => b.X >= 0 && b.Y >= 0 && b.X + b.Width <= width && b.Y + b.Height <= height);
        Overlaps(texts).ShouldBeEmpty();
        Overlaps(boxes).ShouldBeEmpty();
        texts.Where(t => boxes.Exists(b => b.Meets(t) && !b.Holds(t))).ShouldBeEmpty();
    }

    private static List<(Box, Box)> Overlaps(List<Box> boxes)
        => [.. from first in Enumerable.Range(0, boxes.Count) from second in Enumerable.Range(first + 1, boxes.Count - first - 1) where boxes[first].Meets(boxes[second]) select (boxes[first], boxes[second])];

    private static Box TextBox(XElement text)
    {
        double size = Number(text, "font-size");
        double width = TextWidth.Of(text.Value, size);
        double x = Number(text, "x") - (text.Attribute("text-anchor")!.Value == "middle" ? width / 2 : 0);
        return new Box(x, Number(text, "y") - (0.8 * size), width, size);
    }

    private static double Number(XElement element, string name) => double.Parse(element.Attribute(name)!.Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^    p\d+-(>>|\))p\d+: ", RegexOptions.Multiline)]
    private static partial Regex MessageLine();

    [GeneratedRegex(@"^(sequenceDiagram|    participant p\d+ as [^;:]*(#\d+;[^;]*)*|    p\d+(->>|-\)|-->>)p\d+: ([^#;]|#\d+;)*)$")]
    private static partial Regex SequenceLine();

    [GeneratedRegex(@"^    n\d+[[({]", RegexOptions.Multiline)]
    private static partial Regex NodeLine();

    [GeneratedRegex(@"^(flowchart LR|    n\d+[[({/]+""([^#;""<]|#\d+;|<br/>)*""[])}/]+(:::bad|:::open)?|    n\d+ -\.?->(\|""[^""]*""\|)? n\d+|    classDef .*)$")]
    private static partial Regex GraphLine();

    private sealed record Box(double X, double Y, double Width, double Height)
    {
        private const double Tolerance = 0.1; // numbers in the image have two digits

        public bool Meets(Box other)
            => X + Width - Tolerance > other.X && other.X + other.Width - Tolerance > X && Y + Height - Tolerance > other.Y && other.Y + other.Height - Tolerance > Y;

        public bool Holds(Box other)
            => other.X >= X - Tolerance && other.X + other.Width <= X + Width + Tolerance && other.Y >= Y - Tolerance && other.Y + other.Height <= Y + Height + Tolerance;
    }
}
