using System.Text;

namespace Perdure.Engine;

/// <summary>What one turn of a flow decided. The shard turns it into rows and effects; replay compares it with history.</summary>
internal sealed class Turn
{
    private readonly StringBuilder _text = new();
    private string? _only;

    /// <summary>Counts the turns that used this object.</summary>
    public long Number { get; set; }

    /// <summary>Whether the decisions are history already: nothing may leave the flow.</summary>
    public bool IsReplay { get; set; }

    public List<Ask> Made { get; } = [];

    /// <summary>Open work that the flow no longer wants.</summary>
    public List<Ask> Stopped { get; } = [];

    /// <summary>Log lines that leave once the turn is committed.</summary>
    public List<Action> Observations { get; } = [];

    public FlowEnd? End { get; set; }

    public StuckReason? Stuck { get; set; }

    /// <summary>What the turn asked for, one line each, as history holds it. Most turns ask for one thing, so one line costs no builder.</summary>
    public string Text => _text.Length > 0 ? _text.ToString() : _only ?? "";

    public void Line(string line)
    {
        if (_only is null)
        {
            _only = line;
            return;
        }

        if (_text.Length == 0)
        {
            _text.Append(_only);
        }

        _text.Append('\n').Append(line);
    }

    public void Clear()
    {
        _text.Clear();
        _only = null;
        Made.Clear();
        Stopped.Clear();
        Observations.Clear();
        End = null;
        Stuck = null;
        IsReplay = false;
    }
}

/// <summary>How a flow ended.</summary>
/// <param name="Status">Its last state.</param>
/// <param name="Result">The result, or the error (JSON).</param>
internal sealed record FlowEnd(FlowStatus Status, byte[] Result);

/// <summary>Why a flow needs a person.</summary>
internal sealed record StuckReason(string Code, string Message);

/// <summary>Ends a turn whose flow cannot go on.</summary>
internal sealed class StuckException(StuckReason reason) : Exception(reason.Message)
{
    public StuckReason Reason => reason;
}
