using System.Text.Json.Nodes;
using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Storage;

namespace Perdure.Replay;

/// <summary>Replays one run to the end of its history, on a thread that can be left behind.</summary>
internal sealed class RunReplay(RecordedRun run, FlowDefinition definition, FlowServices services) : IThreadPoolWorkItem
{
    private readonly TaskCompletionSource<ReplayProblem?> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _position = -1;

    private StoredFlow Stored => run.Stored;

    /// <summary>What was found; null if the run fits.</summary>
    public Task<ReplayProblem?> Found => _done.Task;

    /// <summary>The history row that it is at; -1 before it begins.</summary>
    public int Position => Volatile.Read(ref _position);

    public void Execute()
    {
        try
        {
            _done.SetResult(Run());
        }
        catch (Exception e)
        {
            _done.SetResult(At(Math.Max(0, Position), ErrorCodes.FlowFailed, $"the engine itself failed: {e}"));
        }
    }

    /// <summary>A problem at a row of the history.</summary>
    public ReplayProblem At(int position, string code, string reason) => ReplayProblems.Of(run, code, reason) with
    {
        Position = position,
        After = AskText.Asks(Stored.History).ElementAtOrDefault(Stored.History[position].Ask) is { Name: { } name } ask && Stored.History[position].Ask >= 0
            ? $"{AskText.Word(ask.Kind)} {name}"
            : null,
    };

    /// <summary>Replays it here and now.</summary>
    public ReplayProblem? Run()
    {
        string? strayed = null;
        var flow = new FlowRun(definition, Stored.Row, run.Seed, services, (_, message) => strayed ??= message);
        var turn = new Turn();
        foreach (HistoryRow row in Stored.History)
        {
            Volatile.Write(ref _position, row.Position);
            Take(flow, row, turn);
            if (turn.Stuck is { } stuck)
            {
                return At(row.Position, stuck.Code, stuck.Message);
            }

            if (strayed is not null)
            {
                return At(row.Position, ErrorCodes.NotDurable, strayed);
            }

            if (turn.End is { } end)
            {
                return OtherEnd(row, end); // what came later was recorded, and changed nothing
            }
        }

        return null;
    }

    private static void Take(FlowRun flow, HistoryRow row, Turn turn)
    {
        if (row.Asks is not null)
        {
            HistoryReplay.Take(flow, row, turn);
            return;
        }

        // The run was stuck when it came: a retry would decide it now, whatever the code asks for.
        turn.Clear();
        turn.IsReplay = true;
        flow.Take(row, live: null, turn);
    }

    /// <summary>A run that completed must come to the result that it had.</summary>
    private ReplayProblem? OtherEnd(HistoryRow row, FlowEnd end)
    {
        byte[]? result = Stored.History[^1].Result ?? row.Result;
        return Stored.Row.State.Status != FlowStatus.Completed || result is null || JsonNode.DeepEquals(JsonNode.Parse(result), JsonNode.Parse(end.Result))
            ? null
            : At(row.Position, ErrorCodes.HistoryMismatch, $"the result differs: history says {JsonNode.Parse(result)?.ToJsonString()}, the code says {JsonNode.Parse(end.Result)?.ToJsonString()}.");
    }
}

/// <summary>Makes problems.</summary>
internal static class ReplayProblems
{
    public static ReplayProblem Of(RecordedRun run, string code, string reason)
    {
        FlowRow row = run.Stored.Row;
        return new ReplayProblem(row.Key.Type, row.Key.Id, row.Version, code, reason) { Source = run.Source };
    }
}
