namespace Perdure.Picture;

/// <summary>A sequence diagram: who takes part, and what goes from one to another, in the order of time.</summary>
/// <param name="Title">What it shows.</param>
/// <param name="Participants">Their names, from left to right.</param>
/// <param name="Messages">From the first to the last.</param>
internal sealed record Sequence(string Title, IReadOnlyList<string> Participants, IReadOnlyList<SequenceMessage> Messages)
{
    private const string Client = "client";
    private const string Elsewhere = "elsewhere";

    /// <summary>One message per entry, and one more, dashed, for each answer that somebody waited for.</summary>
    public static Sequence Of(BusinessTransaction transaction)
    {
        IReadOnlyList<TransactionEntry> entries = transaction.Entries;
        Dictionary<string, TransactionEntry> byId = entries.ToDictionary(e => e.Id);
        Dictionary<string, DateTimeOffset> times = TimesOf(entries);
        List<SequenceMessage> messages = [];
        foreach (TransactionEntry entry in entries)
        {
            string from = entry.Parent is { } parent ? Lane(byId[parent]) : entry.Cause is null ? Client : Elsewhere;
            messages.Add(new SequenceMessage(times[entry.Id], from, Lane(entry), Label(entry, byId), entry));
            if (entry is { IsAwaited: true, EndedAt: { } ended, Parent: not null } && from != Lane(entry))
            {
                messages.Add(new SequenceMessage(ended, Lane(entry), from, $"{EntryWords.Status(entry)} {EntryWords.Name(entry)}", Entry: null));
            }

            if (entry is { AnsweredBy: { } got, EndedAt: { } at } && byId.TryGetValue(got, out TransactionEntry? answer))
            {
                messages.Add(new SequenceMessage(at, Lane(answer), Lane(entry), EntryWords.Name(answer), Entry: null));
            }
        }

        messages = [.. messages.OrderBy(m => m.At)];
        List<string> lanes = [.. messages.SelectMany(m => (string[])[m.From, m.To]).Distinct()];
        return new Sequence($"{transaction.CorrelationId}, began {PlainText.Time(transaction.BeganAt)}", lanes, [.. messages.Select(m => m with { Offset = '+' + PlainText.Span(m.At - transaction.BeganAt) })]);
    }

    /// <summary>When each entry shows: a delivery when its handler began, but never after what that caused.</summary>
    private static Dictionary<string, DateTimeOffset> TimesOf(IReadOnlyList<TransactionEntry> entries)
    {
        Dictionary<string, DateTimeOffset> times = entries.ToDictionary(e => e.Id, e => e.Kind == TransactionEntryKind.Delivery ? e.StartedAt ?? e.At : e.At);
        foreach (TransactionEntry entry in entries.Reverse().Where(e => e.Parent is not null))
        {
            if (times[entry.Parent!] > times[entry.Id])
            {
                times[entry.Parent!] = times[entry.Id];
            }
        }

        return times;
    }

    private static string Lane(TransactionEntry entry) => PlainText.Clean(entry.Participant);

    private static string Label(TransactionEntry entry, Dictionary<string, TransactionEntry> byId)
    {
        string name = entry.Kind == TransactionEntryKind.Delivery && entry.Parent is { } published ? EntryWords.Name(byId[published]) : EntryWords.Name(entry);
        string facts = EntryWords.Facts(entry);
        string kind = entry.Kind is TransactionEntryKind.Step or TransactionEntryKind.Delivery or TransactionEntryKind.Event ? "" : EntryWords.Kind(entry) + ' ';
        return $"{kind}{name}{(facts.Length == 0 ? "" : ": ")}{facts}";
    }
}

/// <summary>Something that goes from one participant to another, or to itself.</summary>
/// <param name="At">When.</param>
/// <param name="From">Who sends.</param>
/// <param name="To">Who receives.</param>
/// <param name="Label">What it is.</param>
/// <param name="Entry">The entry that it shows; null for an answer.</param>
internal sealed record SequenceMessage(DateTimeOffset At, string From, string To, string Label, TransactionEntry? Entry)
{
    /// <summary>How long after the first one.</summary>
    public string Offset { get; init; } = "";

    public bool IsAnswer => Entry is null;

    public bool IsSelf => From == To;
}
