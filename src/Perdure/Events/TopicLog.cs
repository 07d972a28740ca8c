using Perdure.Storage;

namespace Perdure.Events;

/// <summary>A topic in memory: how far its log goes, its last events, and who reads it.</summary>
internal sealed class TopicLog(string name)
{
    private const int RecentMax = 4_096;
    private const long RecentBytesMax = 8 * 1024 * 1024;

    private readonly List<EventRow> _window = [];
    private long _bytes;
    private int _dropped;

    public string Name => name;

    /// <summary>The position of the last event; 0 for none.</summary>
    public long Last { get; private set; }

    /// <summary>The position of the first event that is kept; one more than the last where there is none.</summary>
    public long First { get; set; } = 1;

    public List<SubscriptionReader> Readers { get; } = [];

    public RecentIds Ids { get; } = new();

    /// <summary>Begins with what the store holds.</summary>
    public void Begin(long first, long last)
    {
        First = first;
        Last = last;
        _window.Clear();
        _dropped = 0;
        _bytes = 0;
        Readers.Clear();
        Ids.Forget();
    }

    /// <summary>Takes the event at the position after the last.</summary>
    public void Add(EventRow row)
    {
        Last = row.Position;
        _window.Add(row);
        _bytes += row.Data.Length;
        while (_window.Count - _dropped > RecentMax || (_bytes > RecentBytesMax && _window.Count - _dropped > 1))
        {
            _bytes -= _window[_dropped].Data.Length;
            _window[_dropped++] = null!;
        }

        if (_dropped > RecentMax)
        {
            _window.RemoveRange(0, _dropped);
            _dropped = 0;
        }
    }

    /// <summary>An event that is still in memory; null for an older one.</summary>
    public EventRow? Recent(long position)
    {
        long index = _window.Count - 1 - (Last - position);
        return index >= _dropped && index < _window.Count ? _window[(int)index] : null;
    }
}

/// <summary>The ids that publishers gave, of the last events: what a look into the store may have missed.</summary>
internal sealed class RecentIds
{
    /// <summary>How many are known. A look into the store that is older than that must be made again.</summary>
    public const int Max = 65_536;

    private readonly Dictionary<(string Source, string Id), EventRow> _rows = [];
    private readonly Queue<EventRow> _order = new();
    private long _count;

    /// <summary>How many there ever were. From any thread.</summary>
    public long Count => Volatile.Read(ref _count);

    public EventRow? Find(string source, string id) => _rows.GetValueOrDefault((source, id));

    public void Add(EventRow row)
    {
        if (_rows.TryAdd((row.Source, row.Id), row))
        {
            _order.Enqueue(row);
            Volatile.Write(ref _count, _count + 1);
            if (_order.Count > Max)
            {
                RemoveFirst();
            }
        }
    }

    /// <summary>The store has the events up to a position no more: their ids are free.</summary>
    public void Forget(long upTo)
    {
        while (_order.TryPeek(out EventRow? row) && row.Position <= upTo)
        {
            RemoveFirst();
        }
    }

    /// <summary>What was decided may be lost: every look into the store must be made again.</summary>
    public void Forget()
    {
        _rows.Clear();
        _order.Clear();
        Volatile.Write(ref _count, _count + Max + 1);
    }

    private void RemoveFirst()
    {
        EventRow first = _order.Dequeue();
        _rows.Remove((first.Source, first.Id));
    }
}
