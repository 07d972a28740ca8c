using Perdure.Client;
using Perdure.Engine;
using Perdure.Storage;

namespace Perdure.Picture;

/// <summary>What a flow's history tells: the run, and all that it asked for.</summary>
internal static class FlowEntries
{
    /// <summary>The run itself.</summary>
    /// <param name="stored">The run as it was read.</param>
    /// <param name="asks">What it asked for.</param>
    public static TransactionEntry Run(StoredFlow stored, IReadOnlyList<TransactionEntry> asks)
    {
        FlowRow row = stored.Row;
        TimeSpan? worked = row.State.EndedAt is null ? null : Worked(asks);
        return new TransactionEntry(CauseText.Flow(row.Key), TransactionEntryKind.Flow, row.Key.ToString(), row.Key.Type, row.CreatedAt)
        {
            Cause = row.Cause ?? (row.Parent is null ? null : CauseText.Of(row.Parent)),
            Status = row.State.Status switch
            {
                FlowStatus.Running => TransactionEntryStatus.Running,
                FlowStatus.Undoing => TransactionEntryStatus.Undoing,
                FlowStatus.Stuck => TransactionEntryStatus.Stuck,
                FlowStatus.Completed => TransactionEntryStatus.Completed,
                FlowStatus.Failed => TransactionEntryStatus.Failed,
                FlowStatus.Cancelled => TransactionEntryStatus.Cancelled,
                _ => TransactionEntryStatus.Terminated,
            },
            StartedAt = row.CreatedAt,
            EndedAt = row.State.EndedAt,
            Worked = worked,
            Waited = row.State.EndedAt - row.CreatedAt - worked,
            Error = row.State.StuckCode is { } code ? new ErrorInfo(ErrorKind.Permanent, code, nameof(FlowStatus.Stuck), row.State.StuckReason ?? "") : Describing.Describe(stored).Error,
        };
    }

    /// <summary>All that it asked for, in the order of asking; limits of regions only where they were reached.</summary>
    public static IEnumerable<FlowAskEntry> Asks(StoredFlow stored)
    {
        FlowDescription run = Describing.Describe(stored);
        int number = 0;
        foreach ((AskKind kind, string name) in AskText.Asks(stored.History))
        {
            FlowAsk ask = run.Asks[number];
            if (kind != AskKind.Region || ask.State == "fired")
            {
                yield return new FlowAskEntry(kind, Entry(stored, kind, name, ask));
            }

            number++;
        }
    }

    private static TransactionEntry Entry(StoredFlow stored, AskKind kind, string name, FlowAsk ask)
    {
        FlowRow row = stored.Row;
        TransactionEntryKind entryKind = KindOf(kind);
        TransactionEntryStatus status = StatusOf(kind, ask);
        DateTimeOffset? ended = ask.AnsweredAt;
        DateTimeOffset? started = ended - ask.Duration ?? stored.Backoffs.FirstOrDefault(b => b.Ask == ask.Number)?.StartedAt;
        if (status <= TransactionEntryStatus.Stuck && row.State.EndedAt is { } end)
        {
            (status, ended) = (TransactionEntryStatus.Withdrawn, end); // the run was terminated around it
        }

        bool isWait = entryKind is TransactionEntryKind.Wait or TransactionEntryKind.Timer;
        return new TransactionEntry(CauseText.Ask(row.Key, ask.Number), entryKind, name, entryKind == TransactionEntryKind.Child ? AskText.Child(name).Type : row.Key.Type, ask.AskedAt)
        {
            Cause = CauseText.Flow(row.Key),
            Status = status,
            StartedAt = started,
            EndedAt = ended,
            Waited = isWait ? ended - ask.AskedAt : started - ask.AskedAt,
            Worked = isWait ? null : ended - started,
            FailedAttempts = Math.Max(0, status == TransactionEntryStatus.Completed ? ask.Attempts - 1 : ask.Attempts),
            IsAwaited = kind is AskKind.Child or AskKind.Job,
            Error = ask.Error,
        };
    }

    private static TransactionEntryKind KindOf(AskKind kind) => kind switch
    {
        AskKind.Step => TransactionEntryKind.Step,
        AskKind.Undo => TransactionEntryKind.Undo,
        AskKind.Timer or AskKind.Region => TransactionEntryKind.Timer,
        AskKind.Child or AskKind.DetachedChild => TransactionEntryKind.Child,
        AskKind.Job or AskKind.DetachedJob => TransactionEntryKind.Job,
        AskKind.Publish => TransactionEntryKind.Event,
        _ => TransactionEntryKind.Wait,
    };

    private static TransactionEntryStatus StatusOf(AskKind kind, FlowAsk ask) => ask.State switch
    {
        _ when kind is AskKind.DetachedChild or AskKind.DetachedJob => TransactionEntryStatus.Unknown,
        _ when kind is AskKind.Publish => TransactionEntryStatus.Completed,
        "open" => kind is AskKind.Step or AskKind.Undo ? TransactionEntryStatus.Running : TransactionEntryStatus.Waiting,
        "failed" => TransactionEntryStatus.Failed,
        "withdrawn" => TransactionEntryStatus.Withdrawn,
        "settled by hand" => TransactionEntryStatus.SettledByHand,
        "fired" => kind == AskKind.Timer ? TransactionEntryStatus.Completed : TransactionEntryStatus.LimitReached,
        _ => TransactionEntryStatus.Completed,
    };

    /// <summary>For how long at least one step or undo was worked on.</summary>
    private static TimeSpan Worked(IEnumerable<TransactionEntry> asks)
    {
        TimeSpan sum = TimeSpan.Zero;
        DateTimeOffset until = DateTimeOffset.MinValue;
        foreach (TransactionEntry ask in asks.Where(a => a is { Kind: TransactionEntryKind.Step or TransactionEntryKind.Undo, StartedAt: not null, EndedAt: not null }).OrderBy(a => a.StartedAt))
        {
            DateTimeOffset from = ask.StartedAt > until ? ask.StartedAt.Value : until;
            if (ask.EndedAt > from)
            {
                sum += ask.EndedAt.Value - from;
                until = ask.EndedAt.Value;
            }
        }

        return sum;
    }
}

/// <summary>One thing that a flow asked for.</summary>
/// <param name="Kind">Its kind in history.</param>
/// <param name="Entry">What the flow's history tells of it.</param>
internal sealed record FlowAskEntry(AskKind Kind, TransactionEntry Entry);
