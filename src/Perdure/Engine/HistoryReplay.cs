using Perdure.Diagnostics;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>
/// Gives a run its history again, and finds where its code no longer asks for what history says. The one way in which shards bring runs
/// back and replay checks try them, so the two cannot differ.
/// </summary>
internal static class HistoryReplay
{
    /// <summary>Replays one input that was decided. The turn is stuck where code and history differ.</summary>
    public static void Take(FlowRun flow, HistoryRow row, Turn turn)
    {
        turn.Clear();
        turn.IsReplay = true;
        flow.Take(row, live: null, turn);
        if (turn.Stuck is null && AskText.Differs(row.Asks!, turn, flow.Key.ToString(), row.Position) is { } difference)
        {
            turn.Stuck = new StuckReason(ErrorCodes.HistoryMismatch, difference);
        }
    }
}
