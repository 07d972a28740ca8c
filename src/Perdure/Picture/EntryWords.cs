using System.Text;

namespace Perdure.Picture;

/// <summary>What all pictures say of an entry.</summary>
internal static class EntryWords
{
    private const int ErrorLengthMax = 120;

    private static readonly TimeSpan ShownWaitMin = TimeSpan.FromMilliseconds(1);

    public static string Kind(TransactionEntry entry) => entry.Kind switch
    {
        TransactionEntryKind.Delivery => "delivery",
        TransactionEntryKind.Wait => "wait for",
        var kind => LowerCase(kind.ToString()),
    };

    /// <summary>The entry's name, with the key of an event or job.</summary>
    public static string Name(TransactionEntry entry)
    {
        string name = entry.Key is null ? entry.Name : $"{entry.Name} {entry.Key}";
        return string.IsNullOrWhiteSpace(name) ? "(no name)" : PlainText.Clean(name);
    }

    /// <summary>How it stands, how long it took and what went wrong; nothing for what was simply done.</summary>
    public static string Facts(TransactionEntry entry, bool withError = true)
    {
        var facts = new StringBuilder();
        if (entry.Status != TransactionEntryStatus.Completed || entry.Kind is TransactionEntryKind.Flow or TransactionEntryKind.Job)
        {
            Add(facts, Status(entry));
        }

        AddTimes(facts, entry);
        if (entry.FailedAttempts > 0)
        {
            Add(facts, entry.FailedAttempts == 1 ? "1 failed attempt" : $"{entry.FailedAttempts} failed attempts");
        }

        if (entry.Fate is EventFate.Held or EventFate.Unclaimed or EventFate.Ambiguous)
        {
            Add(facts, LowerCase(entry.Fate.Value.ToString()));
        }

        if (entry.UndoneBy is not null)
        {
            Add(facts, "undone");
        }

        if (withError && entry.Error is { } error)
        {
            Add(facts, PlainText.Clip(PlainText.Clean(error.Message), ErrorLengthMax));
        }

        return facts.ToString();
    }

    public static string Status(TransactionEntry entry) => entry.Status switch
    {
        TransactionEntryStatus.Failed when entry.Error is { Kind: ErrorKind.Rejected } => "rejected",
        TransactionEntryStatus.LimitReached => "limit reached",
        TransactionEntryStatus.SettledByHand => "settled by hand",
        TransactionEntryStatus.Unknown => "end not kept",
        var status => LowerCase(status.ToString()),
    };

    public static bool IsBad(TransactionEntry entry) => entry.Status is TransactionEntryStatus.Failed or TransactionEntryStatus.Stuck or TransactionEntryStatus.LimitReached
        or TransactionEntryStatus.Terminated || entry.Fate is EventFate.Unclaimed or EventFate.Ambiguous;

    private static void AddTimes(StringBuilder facts, TransactionEntry entry)
    {
        if (entry.Kind == TransactionEntryKind.Event)
        {
            return; // it is there at once
        }

        if (entry.Worked is { } worked)
        {
            Add(facts, "worked " + PlainText.Span(worked));
        }

        if (entry.Waited is { } waited)
        {
            if (waited >= ShownWaitMin)
            {
                Add(facts, "waited " + PlainText.Span(waited));
            }
        }
        else if (entry.EndedAt is { } ended)
        {
            Add(facts, "took " + PlainText.Span(ended - entry.At));
        }
    }

    private static void Add(StringBuilder facts, string fact) => facts.Append(facts.Length == 0 ? "" : ", ").Append(fact);

    private static string LowerCase(string word) => word.ToLowerInvariant();
}
