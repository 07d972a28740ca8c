namespace Perdure.Engine;

/// <summary>What a flow has asked for and has no answer to: by number, by due time, and signals by name.</summary>
internal sealed class OpenAsks
{
    // By number. Most flows have one or a few open; numbers only grow, so adding is appending.
    private readonly List<Ask> _open = new(2);
    private PriorityQueue<Ask, (DateTimeOffset Due, int Number)>? _dues;
    private SignalBox? _signals;
    private List<ConditionAsk>? _conditions;
    private int _work;

    /// <summary>Called once, when no work is open any more.</summary>
    private Action? _onIdle;

    /// <summary>How many asks the flow has made.</summary>
    public int Made { get; private set; }

    public int Count => _open.Count;

    public bool HasWork => _work > 0;

    public SignalBox Signals => _signals ??= new SignalBox();

    public IReadOnlyList<Ask> All => _open;

    /// <summary>Open waits for conditions, by number; null if there never was one.</summary>
    public IReadOnlyList<ConditionAsk>? Conditions => _conditions;

    public int NextNumber() => Made++;

    public Ask? Find(int number) => IndexOf(number) is >= 0 and int index ? _open[index] : null;

    public void Add(Ask ask)
    {
        _open.Add(ask);
        _work += ask.IsWork ? 1 : 0;
        if (ask is ConditionAsk condition)
        {
            (_conditions ??= []).Add(condition);
        }

        SetDue(ask, ask.Due);
    }

    public void Close(Ask ask)
    {
        ask.Open = false;
        _open.RemoveAt(IndexOf(ask.Number));
        if (ask is SignalAsk wait)
        {
            Signals.Forget(wait);
        }
        else if (ask is ConditionAsk condition)
        {
            _conditions!.Remove(condition);
        }

        if (ask.IsWork && --_work == 0)
        {
            Action? idle = _onIdle;
            _onIdle = null;
            idle?.Invoke();
        }
    }

    /// <summary>Sets when an open ask is due; null if time does not move it.</summary>
    public void SetDue(Ask ask, DateTimeOffset? due)
    {
        ask.Due = due;
        if (due is { } at)
        {
            (_dues ??= new()).Enqueue(ask, (at, ask.Number));
        }
    }

    /// <summary>The open ask that is due first; null if time moves nothing.</summary>
    public Ask? NextDue()
    {
        // Entries of asks that were answered, or got another due time, are dropped when they come up.
        while (_dues is not null && _dues.TryPeek(out Ask? ask, out (DateTimeOffset Due, int Number) at))
        {
            if (ask.Open && ask.Due == at.Due)
            {
                return ask;
            }

            _dues.Dequeue();
        }

        return null;
    }

    public void WhenIdle(Action action) => _onIdle = action;

    public List<Ask> Within(Scope scope) => _open.FindAll(a => a.Scope.IsWithin(scope));

    private int IndexOf(int number)
    {
        int low = 0;
        int high = _open.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            int found = _open[middle].Number;
            if (found == number)
            {
                return middle;
            }

            (low, high) = found < number ? (middle + 1, high) : (low, middle - 1);
        }

        return -1;
    }
}
