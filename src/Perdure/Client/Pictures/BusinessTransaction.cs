using Perdure.Picture;

namespace Perdure;

/// <summary>
/// A business transaction from end to end: all flows, jobs and events under one correlation id, who caused what, when, how long it waited and
/// worked, and what was undone. As data, and as a text tree, a sequence diagram and a graph.
/// </summary>
/// <remarks>
/// It is read from the store, and runs no code. What belongs to it may move on while it is read. What the store no longer keeps (jobs whose
/// end is not kept, events that were forgotten, deleted runs) is missing, or known by what was asked for alone.
/// </remarks>
public sealed class BusinessTransaction
{
    internal BusinessTransaction(string correlationId, IReadOnlyList<TransactionEntry> entries)
    {
        CorrelationId = correlationId;
        Entries = entries;
        BeganAt = entries.Min(e => e.At);
        IsComplete = !entries.Any(e => e.IsOpen);
        EndedAt = IsComplete ? entries.Max(e => e.EndedAt ?? e.At) : null;
    }

    /// <summary>The id that all of it carries.</summary>
    public string CorrelationId { get; }

    /// <summary>What belongs to it as a tree, from the top: each entry comes after its <see cref="TransactionEntry.Parent"/>, those of one parent in the order of their times.</summary>
    public IReadOnlyList<TransactionEntry> Entries { get; }

    /// <summary>When its first entry came.</summary>
    public DateTimeOffset BeganAt { get; }

    /// <summary>When its last entry ended; null while it is not complete.</summary>
    public DateTimeOffset? EndedAt { get; }

    /// <summary>Whether nothing of it is open: no flow or job, and no event that a subscription has not handled.</summary>
    public bool IsComplete { get; }

    /// <summary>A tree of causes, one line per entry, for people: when it came, what it was, how it ended, how long it worked and waited.</summary>
    public string ToText() => TransactionText.Write(this);

    /// <summary>A sequence diagram as Mermaid text: a message per entry, in the order of time.</summary>
    public string ToMermaidSequence() => SequenceMermaid.Write(Sequence.Of(this));

    /// <summary>A graph of causes as Mermaid text: a node per entry.</summary>
    public string ToMermaidGraph() => GraphMermaid.Write(TransactionGraph.Of(this));

    /// <summary>A sequence diagram as an SVG image that needs nothing else; it follows the viewer's light or dark scheme.</summary>
    public string ToSequenceSvg() => SequenceSvg.Write(Sequence.Of(this));

    /// <summary>A graph of causes as an SVG image that needs nothing else; it follows the viewer's light or dark scheme.</summary>
    public string ToGraphSvg() => GraphSvg.Write(TransactionGraph.Of(this));

    /// <summary>The same as <see cref="ToText"/>.</summary>
    public override string ToString() => ToText();
}
