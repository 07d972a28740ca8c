using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>Signals that came and waits that are open, by name and in order. At any time a name has only one of the two.</summary>
internal sealed class SignalBox
{
    private readonly Dictionary<string, Queue<HistoryRow>> _early = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<SignalAsk>> _waits = new(StringComparer.Ordinal);

    public IEnumerable<KeyValuePair<string, Queue<HistoryRow>>> Early => _early;

    public HistoryRow? TakeEarly(string name)
        => _early.TryGetValue(name, out Queue<HistoryRow>? queue) && queue.TryDequeue(out HistoryRow? row) ? row : null;

    public void Keep(HistoryRow row)
    {
        if (!_early.TryGetValue(row.Name!, out Queue<HistoryRow>? queue))
        {
            _early.Add(row.Name!, queue = new());
        }

        queue.Enqueue(row);
    }

    public void Wait(SignalAsk ask)
    {
        if (!_waits.TryGetValue(ask.Name, out List<SignalAsk>? waits))
        {
            _waits.Add(ask.Name, waits = []);
        }

        waits.Add(ask);
    }

    public void Forget(SignalAsk ask)
    {
        if (_waits.TryGetValue(ask.Name, out List<SignalAsk>? waits))
        {
            waits.Remove(ask);
        }
    }

    /// <summary>The wait that the next signal of this name answers; null if none is open.</summary>
    public SignalAsk? FirstWait(string name)
        => _waits.TryGetValue(name, out List<SignalAsk>? waits) && waits.Count > 0 ? waits[0] : null;
}
