namespace Perdure.Picture;

/// <summary>Orders entries as a tree of causes.</summary>
internal static class EntryTree
{
    /// <summary>Gives each entry its parent: its cause, or what is kept of it; and puts it behind that, those of one parent in the order of their times.</summary>
    public static List<TransactionEntry> Sort(List<TransactionEntry> entries)
    {
        Dictionary<string, TransactionEntry> byId = [];
        entries = [.. entries.OrderBy(e => e.At).ThenBy(e => AskOf(e)).ThenBy(e => e.Id, StringComparer.Ordinal).Where(e => byId.TryAdd(e.Id, e))];
        entries = entries.ConvertAll(e => e with { Parent = ParentOf(e, byId) });
        ILookup<string?, TransactionEntry> children = entries.ToLookup(e => e.Parent);

        List<TransactionEntry> sorted = new(entries.Count);
        HashSet<string> placed = [];
        Place(children[null], detached: false);
        foreach (TransactionEntry entry in entries.Where(e => !placed.Contains(e.Id)))
        {
            Place([entry], detached: true); // rows that name each other as their cause in a circle: it is cut open here
        }

        return sorted;

        void Place(IEnumerable<TransactionEntry> tops, bool detached)
        {
            var next = new Stack<TransactionEntry>(tops.Where(e => !placed.Contains(e.Id)).Reverse());
            while (next.TryPop(out TransactionEntry? entry))
            {
                if (placed.Add(entry.Id))
                {
                    sorted.Add(detached ? entry with { Parent = null } : entry);
                    detached = false;
                    foreach (TransactionEntry child in children[entry.Id].Reverse())
                    {
                        next.Push(child);
                    }
                }
            }
        }
    }

    private static string? ParentOf(TransactionEntry entry, Dictionary<string, TransactionEntry> byId)
    {
        if (entry.Cause is not { } cause)
        {
            return null;
        }

        if (!byId.ContainsKey(cause))
        {
            return CauseText.FlowOf(cause) is { } flow && byId.ContainsKey(flow) ? flow : null;
        }

        // A subscription that had its event again has the same cause text each time: the last one that had begun is meant.
        string parent = cause;
        for (int time = 2; byId.TryGetValue($"{cause}~{time}", out TransactionEntry? again) && again.StartedAt <= entry.At; time++)
        {
            parent = again.Id;
        }

        return parent;
    }

    /// <summary>A flow's asks of one turn have the same time: they come in the order of asking.</summary>
    private static int AskOf(TransactionEntry entry)
    {
        bool isAsk = entry.Kind != TransactionEntryKind.Flow && CauseText.FlowOf(entry.Id) is not null;
        string text = isAsk ? entry.Id : entry.Cause ?? "";
        int hash = text.LastIndexOf('#');
        return hash >= 0 && int.TryParse(text.AsSpan(hash + 1), out int ask) ? ask : -1;
    }
}
