using System.Globalization;
using System.Text;

namespace Perdure.Picture;

/// <summary>A business transaction as a tree of text lines.</summary>
internal static class TransactionText
{
    private const int OffsetWidth = 13;
    private const int DepthMax = 32; // deeper, the lines of a long chain would be all indentation

    public static string Write(BusinessTransaction transaction)
    {
        var text = new StringBuilder();
        string end = transaction.EndedAt is { } ended ? $"complete after {PlainText.Span(ended - transaction.BeganAt)}" : "not complete";
        text.Append(CultureInfo.InvariantCulture, $"{PlainText.Clean(transaction.CorrelationId)}: began {PlainText.Time(transaction.BeganAt)}, {end}\n");
        Dictionary<string, string> names = transaction.Entries.ToDictionary(e => e.Id, EntryWords.Name);
        bool[] isLast = LastOfParents(transaction.Entries);
        List<bool> path = []; // for each level above a line, whether its branch has ended
        Dictionary<string, int> depths = [];
        for (int i = 0; i < transaction.Entries.Count; i++)
        {
            TransactionEntry entry = transaction.Entries[i];
            int depth = entry.Parent is null ? 0 : depths[entry.Parent] + 1;
            depths[entry.Id] = depth;
            path.RemoveRange(depth, path.Count - depth);
            path.Add(isLast[i]);
            text.Append(('+' + PlainText.Span(entry.At - transaction.BeganAt)).PadLeft(OffsetWidth)).Append("  ");
            Indent(text, path);
            Line(text, entry, names);
        }

        return text.ToString();
    }

    private static void Line(StringBuilder text, TransactionEntry entry, Dictionary<string, string> names)
    {
        text.Append(EntryWords.Kind(entry)).Append(' ').Append(names[entry.Id]);
        if (entry.Kind == TransactionEntryKind.Job && CauseText.FlowOf(entry.Id) is null)
        {
            text.Append(" in queue ").Append(PlainText.Clean(entry.Participant));
        }

        string facts = EntryWords.Facts(entry);
        text.Append(facts.Length == 0 ? "" : ": ").Append(facts);
        if (entry.Undoes is { } step && names.TryGetValue(step, out string? undone))
        {
            text.Append(", undoes ").Append(undone);
        }

        text.Append('\n');
    }

    private static void Indent(StringBuilder text, List<bool> path)
    {
        int from = Math.Max(0, path.Count - DepthMax);
        text.Append(from > 0 ? "⋯ " : "");
        for (int level = from; level < path.Count; level++)
        {
            bool isOwn = level == path.Count - 1;
            text.Append((isOwn, path[level]) switch
            {
                (true, true) => "└─ ",
                (true, false) => "├─ ",
                (false, true) => "   ",
                (false, false) => "│  ",
            });
        }
    }

    /// <summary>For each entry, whether it is the last one of its parent.</summary>
    private static bool[] LastOfParents(IReadOnlyList<TransactionEntry> entries)
    {
        var isLast = new bool[entries.Count];
        HashSet<string> seen = [];
        for (int i = entries.Count - 1; i >= 0; i--)
        {
            isLast[i] = seen.Add(entries[i].Parent ?? "");
        }

        return isLast;
    }
}
