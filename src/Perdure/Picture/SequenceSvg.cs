namespace Perdure.Picture;

/// <summary>A sequence diagram as SVG. Each message has a row of its own with one text in it, so texts never meet.</summary>
internal static class SequenceSvg
{
    private const int LabelLengthMax = 90;
    private const int NameLengthMax = 40;
    private const int RowsOfOneScreen = 20;
    private const double RowHeight = 34;
    private const double HeadHeight = 28;
    private const double HeadPadding = 12;
    private const double Gap = 24;
    private const double LaneGapMax = 340; // longer labels go over the next lanes
    private const double LoopWidth = 26;
    private const double LabelShift = 8;

    public static string Write(Sequence sequence)
    {
        List<string> labels = [.. sequence.Messages.Select(m => PlainText.Clip(m.Label, LabelLengthMax))];
        List<string> names = [.. sequence.Participants.Select(p => PlainText.Clip(p, NameLengthMax))];
        Dictionary<string, int> lanes = sequence.Participants.Index().ToDictionary(p => p.Item, p => p.Index);
        double gutter = sequence.Messages.Max(m => TextWidth.Of(m.Offset, Svg.SmallFontSize));
        double[] xs = LaneXs(sequence, names, labels, lanes, Svg.Margin + gutter + Gap);
        bool closes = sequence.Messages.Count > RowsOfOneScreen;
        double bottom = Svg.Top + HeadHeight + (sequence.Messages.Count * RowHeight) + (Gap / 2);
        double width = Math.Max(xs[^1] + (HeadWidth(names[^1]) / 2), labels.Index().Max(l => LabelX(sequence.Messages[l.Index], lanes, xs) + TextWidth.Of(l.Item, Svg.FontSize)));

        var svg = new Svg(sequence.Title, width + Svg.Margin, bottom + (closes ? HeadHeight : 0) + Svg.Margin);
        for (int lane = 0; lane < xs.Length; lane++)
        {
            svg.Add($"<path class=\"line lane\" d=\"M{xs[lane]} {Svg.Top + HeadHeight}V{bottom}\"/>\n");
            Head(svg, xs[lane], Svg.Top, names[lane]);
            if (closes)
            {
                Head(svg, xs[lane], bottom, names[lane]);
            }
        }

        for (int row = 0; row < labels.Count; row++)
        {
            Message(svg, sequence.Messages[row], labels[row], lanes, xs, Svg.Top + HeadHeight + ((row + 1) * RowHeight) - 6);
        }

        return svg.End();
    }

    private static void Head(Svg svg, double x, double y, string name)
    {
        double width = HeadWidth(name);
        svg.Add($"<rect class=\"box\" x=\"{x - (width / 2)}\" y=\"{y}\" width=\"{width}\" height=\"{HeadHeight}\" rx=\"4\"/>\n");
        svg.Text(x, y + 18.5, name, "name", Svg.FontSize, "middle");
    }

    private static void Message(Svg svg, SequenceMessage message, string label, Dictionary<string, int> lanes, double[] xs, double y)
    {
        double from = xs[lanes[message.From]];
        double to = xs[lanes[message.To]];
        string line = message.IsAnswer || message.Entry is { IsOpen: true } ? "line dash" : "line";
        svg.Add($"<g data-id=\"{message.Entry?.Id ?? "answer"}\">\n<title>{message.Label}</title>\n");
        svg.Text(Svg.Margin, y, message.Offset, "muted", Svg.SmallFontSize);
        if (message.IsSelf)
        {
            svg.Add($"<path class=\"{line}\" d=\"M{from} {y - 9}H{from + LoopWidth - 8}q6 0 6 6t-6 6H{from + 4}\"/>\n");
            svg.ArrowHead(from, y + 3, toRight: false);
        }
        else
        {
            svg.Add($"<path class=\"{line}\" d=\"M{from} {y + 3}H{(to > from ? to - 4 : to + 4)}\"/>\n");
            svg.ArrowHead(to, y + 3, toRight: to > from);
        }

        string look = message.Entry is { } entry && EntryWords.IsBad(entry) ? "halo bad" : message.IsAnswer ? "halo muted" : "halo";
        svg.Text(LabelX(message, lanes, xs), message.IsSelf ? y + 1.5 : y - 3, label, look, Svg.FontSize);
        svg.Add($"</g>\n");
    }

    private static double LabelX(SequenceMessage message, Dictionary<string, int> lanes, double[] xs)
        => Math.Min(xs[lanes[message.From]], xs[lanes[message.To]]) + LabelShift + (message.IsSelf ? LoopWidth : message.From != message.To && xs[lanes[message.To]] < xs[lanes[message.From]] ? 6 : 0);

    /// <summary>Where the lanes stand: far enough apart for their heads, and for the labels between neighbours.</summary>
    private static double[] LaneXs(Sequence sequence, List<string> names, List<string> labels, Dictionary<string, int> lanes, double from)
    {
        var gaps = new double[names.Count];
        for (int lane = 1; lane < names.Count; lane++)
        {
            gaps[lane] = ((HeadWidth(names[lane - 1]) + HeadWidth(names[lane])) / 2) + Gap;
        }

        for (int i = 0; i < labels.Count; i++)
        {
            SequenceMessage message = sequence.Messages[i];
            int left = Math.Min(lanes[message.From], lanes[message.To]);
            if (left + 1 < gaps.Length && Math.Abs(lanes[message.From] - lanes[message.To]) <= 1)
            {
                double need = TextWidth.Of(labels[i], Svg.FontSize) + Gap + (message.IsSelf ? LoopWidth : 0);
                gaps[left + 1] = Math.Max(gaps[left + 1], Math.Min(need, LaneGapMax));
            }
        }

        gaps[0] = from + (HeadWidth(names[0]) / 2);
        for (int lane = 1; lane < gaps.Length; lane++)
        {
            gaps[lane] += gaps[lane - 1];
        }

        return gaps;
    }

    private static double HeadWidth(string name) => TextWidth.Of(name, Svg.FontSize) + (2 * HeadPadding);
}
