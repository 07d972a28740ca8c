using System.Text.Json;
using Perdure.Engine;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Client;

/// <summary>Reads a description out of a stored flow, without running its code.</summary>
internal static class Describing
{
    public static FlowDescription Describe(StoredFlow stored)
    {
        FlowRow row = stored.Row;
        byte[]? end = stored.History[^1].Result;
        bool completed = row.State.Status == FlowStatus.Completed;
        return new FlowDescription(row.Key.Type, row.Key.Id, row.Version, row.State.Status, row.CreatedAt, row.State.EndedAt,
            Json(stored.History[0].Payload)!.Value, Asks(stored), stored.History.Select(Input).ToList())
        {
            StuckCode = row.State.StuckCode,
            StuckReason = row.State.StuckReason,
            CorrelationId = row.Correlation ?? row.Key.ToString(),
            Cause = row.Cause,
            Result = completed ? Json(end) : null,
            Error = end is null || completed ? null : FlowJson.DeserializeError(end),
        };
    }

    private static List<FlowAsk> Asks(StoredFlow stored)
    {
        List<FlowAsk> asks = [];
        foreach (HistoryRow row in stored.History)
        {
            if (row.Ask >= 0 && row.Ask < asks.Count)
            {
                asks[row.Ask] = Answered(asks[row.Ask], row);
            }

            foreach (string line in (row.Asks ?? "").Split('\n'))
            {
                if (AskText.IsAsk(line, out AskKind kind, out _))
                {
                    asks.Add(new FlowAsk(asks.Count, AskText.Word(kind), line[2..], StateOf(kind), row.At, null));
                }
                else if (line.StartsWith('+') && int.TryParse(line.AsSpan(1), out int taken))
                {
                    asks[taken] = asks[taken] with { State = asks[taken].Kind == AskText.Word(AskKind.Condition) ? "met" : "received", AnsweredAt = row.At };
                }
                else if (line.StartsWith('-') && int.TryParse(line.AsSpan(1), out int withdrawn))
                {
                    asks[withdrawn] = asks[withdrawn] with { State = "withdrawn", AnsweredAt = row.At };
                }
            }
        }

        foreach (BackoffRow backoff in stored.Backoffs.Where(b => b.Ask < asks.Count))
        {
            asks[backoff.Ask] = asks[backoff.Ask] with
            {
                Attempts = backoff.Attempts,
                NextAttemptAt = backoff.NextAt == BackoffRow.Never ? null : backoff.NextAt,
                Error = FlowJson.DeserializeError(backoff.LastError),
            };
        }

        return asks;
    }

    private static string StateOf(AskKind made) => made switch
    {
        AskKind.DetachedChild or AskKind.DetachedJob => "started",
        AskKind.Publish => "published",
        _ => "open",
    };

    private static FlowAsk Answered(FlowAsk ask, HistoryRow row) => ask with
    {
        State = row.Kind switch
        {
            InputKind.Completed => "completed",
            InputKind.Failed => "failed",
            InputKind.SignalReceived or InputKind.EventReceived => "received",
            InputKind.UndoSettled => "settled by hand",
            _ => "fired",
        },
        AnsweredAt = row.At,
        Attempts = row.Attempts,
        Duration = row.StartedAt is { } started ? row.At - started : null,
        Result = row.Kind is InputKind.Completed or InputKind.SignalReceived or InputKind.EventReceived ? Json(row.Payload) : null,
        Error = row.Kind is InputKind.Failed or InputKind.UndoSettled ? FlowJson.DeserializeError(row.Payload) : null,
    };

    private static FlowInput Input(HistoryRow row) => new(row.Position, row.At, row.Kind.ToString(), row.Ask < 0 ? null : row.Ask, row.Name);

    private static JsonElement? Json(byte[]? bytes)
    {
        if (bytes is null)
        {
            return null;
        }

        var reader = new Utf8JsonReader(bytes);
        return JsonElement.ParseValue(ref reader);
    }
}
