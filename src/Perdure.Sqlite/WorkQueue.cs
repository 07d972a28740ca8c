namespace Perdure.Sqlite;

/// <summary>Work for one thread, which takes all there is at a time.</summary>
/// <remarks>A monitor, since its wait does not spin: a thread that spins takes the core from those that it waits for.</remarks>
internal sealed class WorkQueue<T>
{
    private readonly object _lock = new();
    private List<T> _waiting = [];
    private bool _isClosed;

    /// <summary>From any thread.</summary>
    /// <returns>Whether it will be done; false once the queue is closed.</returns>
    public bool TryAdd(T work)
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                return false;
            }

            _waiting.Add(work);
            if (_waiting.Count == 1)
            {
                Monitor.Pulse(_lock);
            }

            return true;
        }
    }

    /// <summary>Takes nothing more; what is there will be done.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
            Monitor.Pulse(_lock);
        }
    }

    /// <summary>Waits for work, and swaps it for an empty list.</summary>
    /// <returns>False when there is nothing left and nothing will come.</returns>
    public bool Take(ref List<T> taken)
    {
        taken.Clear();
        lock (_lock)
        {
            while (_waiting.Count == 0)
            {
                if (_isClosed)
                {
                    return false;
                }

                Monitor.Wait(_lock);
            }

            (taken, _waiting) = (_waiting, taken);
            return true;
        }
    }
}
