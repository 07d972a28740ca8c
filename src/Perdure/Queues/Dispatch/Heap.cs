namespace Perdure.Queues;

/// <summary>How a heap compares its items, and where it notes their index.</summary>
internal interface IHeapOrder<in T>
{
    bool Before(T item, T other);

    int IndexOf(T item);

    void Moved(T item, int index);
}

/// <summary>A binary heap whose items know their index, so that any can leave or move in O(log n). The first is kept outside the array: most keys have one job.</summary>
internal struct Heap<T, TOrder>
    where T : class
    where TOrder : struct, IHeapOrder<T>
{
    private const int RestMin = 3;

    private T? _first;
    private T[]? _rest;
    private int _count;

    public readonly int Count => _count;

    public readonly T? First => _first;

    public readonly T this[int index] => index == 0 ? _first! : _rest![index - 1];

    public void Add(T item, TOrder order)
    {
        int index = _count++;
        if (index > 0 && (_rest is null || _rest.Length < index))
        {
            Array.Resize(ref _rest, Math.Max(RestMin, 2 * index));
        }

        Up(item, index, order);
    }

    public void Remove(T item, TOrder order)
    {
        int index = order.IndexOf(item);
        T last = this[--_count];
        Clear(_count);
        if (index < _count)
        {
            Place(last, index, order);
        }

        order.Moved(item, -1);
    }

    /// <summary>Finds the place of an item whose order changed.</summary>
    public void Fix(T item, TOrder order) => Place(item, order.IndexOf(item), order);

    private void Place(T item, int index, TOrder order)
    {
        if (index > 0 && order.Before(item, this[(index - 1) / 2]))
        {
            Up(item, index, order);
        }
        else
        {
            Down(item, index, order);
        }
    }

    private void Up(T item, int index, TOrder order)
    {
        while (index > 0)
        {
            int parent = (index - 1) / 2;
            T above = this[parent];
            if (!order.Before(item, above))
            {
                break;
            }

            Set(above, index, order);
            index = parent;
        }

        Set(item, index, order);
    }

    private void Down(T item, int index, TOrder order)
    {
        while (true)
        {
            int child = (2 * index) + 1;
            if (child >= _count)
            {
                break;
            }

            if (child + 1 < _count && order.Before(this[child + 1], this[child]))
            {
                child++;
            }

            T below = this[child];
            if (!order.Before(below, item))
            {
                break;
            }

            Set(below, index, order);
            index = child;
        }

        Set(item, index, order);
    }

    private void Set(T item, int index, TOrder order)
    {
        if (index == 0)
        {
            _first = item;
        }
        else
        {
            _rest![index - 1] = item;
        }

        order.Moved(item, index);
    }

    private void Clear(int index)
    {
        if (index == 0)
        {
            _first = null;
            _rest = null;
            return;
        }

        _rest![index - 1] = null!;
        if (_rest.Length > 4 * RestMin && index < _rest.Length / 4)
        {
            Array.Resize(ref _rest, _rest.Length / 2);
        }
    }
}
