namespace Perdure.Storage;

/// <summary>One topic's log, and what subscriptions are done with of it. Rows in here are its own copies.</summary>
internal sealed class MemoryTopic
{
    private readonly List<EventRow> _log = [];
    private readonly HashSet<(string Id, string Source)> _ids = [];
    private readonly SortedSet<long> _delivered = [];
    private readonly Dictionary<long, List<DeliveryRow>> _deliveries = [];

    /// <summary>Its events, in the order of their positions.</summary>
    public IReadOnlyList<EventRow> Log => _log;

    public IEnumerable<EventRow> After(long position)
    {
        int place = PlaceOf(position);
        return _log.Skip(place >= 0 ? place + 1 : ~place);
    }

    public IEnumerable<DeliveryRow> Deliveries(long first, long last) =>
        first > last
            ? []
            : _delivered.GetViewBetween(first, last).SelectMany(position => _deliveries[position]
                .OrderBy(delivery => delivery.Subscription, StringComparer.Ordinal).ThenBy(delivery => delivery.Generation));

    /// <returns>False where an event is there at that position or with that id already.</returns>
    public bool TryAdd(EventRow row)
    {
        int place = PlaceOf(row.Position);
        if (place >= 0 || !_ids.Add((row.Id, row.Source)))
        {
            return false;
        }

        _log.Insert(~place, RowCopy.Of(row));
        return true;
    }

    public void Remove(EventRow row)
    {
        _log.RemoveAt(PlaceOf(row.Position));
        _ids.Remove((row.Id, row.Source));
    }

    /// <returns>The state before, or null where there is no such event.</returns>
    public EventState? Change(long position, EventState state)
    {
        int place = PlaceOf(position);
        if (place < 0)
        {
            return null;
        }

        EventState before = _log[place].State;
        _log[place].State = RowCopy.Of(state);
        return before;
    }

    public void Put(DeliveryRow delivery)
    {
        if (_delivered.Add(delivery.Position))
        {
            _deliveries[delivery.Position] = [];
        }

        List<DeliveryRow> rows = _deliveries[delivery.Position];
        rows.RemoveAll(row => row.Subscription == delivery.Subscription && row.Generation == delivery.Generation);
        rows.Add(RowCopy.Of(delivery));
    }

    public void Forget(long upTo)
    {
        int place = PlaceOf(upTo);
        int count = place >= 0 ? place + 1 : ~place;
        _ids.ExceptWith(_log.Take(count).Select(row => (row.Id, row.Source)));
        _log.RemoveRange(0, count);
        foreach (long position in _delivered.GetViewBetween(long.MinValue, upTo).ToList())
        {
            _delivered.Remove(position);
            _deliveries.Remove(position);
        }
    }

    /// <summary>Finds a position: its index, or the complement of where it would go. Events come in order, so the end is tried first.</summary>
    private int PlaceOf(long position)
    {
        if (_log.Count == 0 || _log[^1].Position < position)
        {
            return ~_log.Count;
        }

        int low = 0;
        int high = _log.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            long found = _log[middle].Position;
            if (found == position)
            {
                return middle;
            }

            (low, high) = found < position ? (middle + 1, high) : (low, middle - 1);
        }

        return ~low;
    }
}
