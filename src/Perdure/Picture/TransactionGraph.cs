namespace Perdure.Picture;

/// <summary>A business transaction as a graph: what led to what, what undid what, and which event a wait got.</summary>
internal static class TransactionGraph
{
    private const string UndoneBy = "undone by";

    public static Graph Of(BusinessTransaction transaction)
    {
        var graph = new Graph($"{transaction.CorrelationId}, began {PlainText.Time(transaction.BeganAt)}");
        Dictionary<string, int> indexes = [];
        foreach (TransactionEntry entry in transaction.Entries)
        {
            indexes.Add(entry.Id, graph.Nodes.Count);
            graph.Nodes.Add(NodeOf(entry));
        }

        foreach (TransactionEntry entry in transaction.Entries)
        {
            int own = indexes[entry.Id];
            if (entry.Undoes is { } step && indexes.TryGetValue(step, out int undone))
            {
                graph.Edges.Add(new GraphEdge(undone, own, UndoneBy) { IsDashed = true }); // its flow stands before the step
            }
            else if (entry.Parent is { } parent)
            {
                graph.Edges.Add(new GraphEdge(indexes[parent], own));
            }

            if (entry.AnsweredBy is { } got && indexes.TryGetValue(got, out int answer))
            {
                graph.Edges.Add(new GraphEdge(answer, own) { IsDashed = true });
            }
        }

        return graph;
    }

    private static GraphNode NodeOf(TransactionEntry entry)
    {
        string facts = EntryWords.Facts(entry, withError: false);
        return new GraphNode(entry.Id, EntryWords.Name(entry), $"{EntryWords.Kind(entry)}{(facts.Length == 0 ? "" : ": ")}{facts}", entry.Kind switch
        {
            TransactionEntryKind.Flow or TransactionEntryKind.Child => Tone.Flow,
            TransactionEntryKind.Event => Tone.Event,
            TransactionEntryKind.Job => Tone.Job,
            TransactionEntryKind.Delivery => Tone.Handler,
            TransactionEntryKind.Wait or TransactionEntryKind.Timer => Tone.Wait,
            TransactionEntryKind.Undo => Tone.Undo,
            _ => Tone.Plain,
        })
        {
            IsBad = EntryWords.IsBad(entry),
            IsOpen = entry.IsOpen,
        };
    }
}
