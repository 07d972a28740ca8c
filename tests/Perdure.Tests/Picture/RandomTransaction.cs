using Perdure.Picture;

namespace Perdure.Tests.Picture;

/// <summary>Transactions of all shapes, with names that mean something to Mermaid, XML or a terminal.</summary>
internal static class RandomTransaction
{
    public static readonly string[] HostileNames =
    [
        "end", "a;b#c", "\"quoted\" 'x'", "<script>alert(1)</script>", "`md` **b**", "1. list", "- item", "wrap: x", "%% comment", "a-->>b: c", "]]) }} |",
        "line\nbreak\ttab", "\u202eevil", "日本語の名前", "🍕 pizza", "\ud800", "\0", "style n0 fill", "$$x$$", "&amp; #35;", "@{shape: x}", "participant", "\\n", " ", "]]>",
        new string('W', 300),
    ];

    public static BusinessTransaction Of(int seed)
    {
        var random = new Random(seed);
        List<TransactionEntry> entries = [];
        int count = random.Next(1, 60);
        for (int i = 0; i < count; i++)
        {
            var kind = (TransactionEntryKind)random.Next(9);
            bool hasEnded = random.Next(3) > 0;
            DateTimeOffset at = Rows.At(random.Next(5_000));
            string? before = entries.Count == 0 ? null : entries[random.Next(entries.Count)].Id;
            entries.Add(new TransactionEntry($"id-{i}{Name()}", kind, Name(), Name(), at)
            {
                Cause = random.Next(8) switch { 0 => null, 1 => Name(), _ => before },
                Key = random.Next(2) == 0 ? null : Name(),
                Status = (TransactionEntryStatus)random.Next(12),
                StartedAt = random.Next(2) == 0 ? null : at.AddMilliseconds(random.Next(1_000)),
                EndedAt = hasEnded ? at.AddMilliseconds(random.Next(10_000)) : null,
                Waited = random.Next(2) == 0 ? null : TimeSpan.FromMilliseconds(random.Next(100_000)),
                Worked = random.Next(2) == 0 ? null : TimeSpan.FromMilliseconds(random.NextDouble() * 100),
                FailedAttempts = random.Next(3),
                IsAwaited = random.Next(2) == 0,
                Fate = random.Next(4) == 0 ? (EventFate)random.Next(5) : null,
                AnsweredBy = random.Next(10) == 0 ? before : null,
                Undoes = kind == TransactionEntryKind.Undo && random.Next(2) == 0 ? before : null,
                Error = random.Next(4) == 0 ? new ErrorInfo(ErrorKind.Rejected, "PRD2001", "X", Name()) : null,
            });
        }

        return new BusinessTransaction(Name(), EntryTree.Sort(entries));

        string Name() => HostileNames[random.Next(HostileNames.Length)];
    }
}
