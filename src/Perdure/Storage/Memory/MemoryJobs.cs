namespace Perdure.Storage;

/// <summary>One shard's jobs, the ends that are kept, and what it remembers. Rows in here are its own copies.</summary>
internal sealed class MemoryJobs
{
    private readonly Dictionary<long, JobRow> _open = [];
    private readonly SortedSet<long> _numbers = [];
    private readonly Dictionary<long, End> _ends = [];
    private readonly SortedSet<(long KeepTicks, long Number)> _keeping = [];
    private readonly SortedDictionary<string, MemoRow> _memos = new(StringComparer.Ordinal);

    public IEnumerable<JobRow> Open => _open.Values;

    public IEnumerable<JobEndRow> Ends => _ends.Values.Select(end => end.Row);

    public IEnumerable<MemoRow> Memos => _memos.Values;

    public IEnumerable<JobRow> After(long number) =>
        number == long.MaxValue ? [] : _numbers.GetViewBetween(number + 1, long.MaxValue).Select(next => _open[next]);

    public byte[]? PayloadOf(long number) =>
        _open.GetValueOrDefault(number)?.Payload ?? _ends.GetValueOrDefault(number).Payload;

    public JobEndRow? EndOf(long number) => _ends.GetValueOrDefault(number).Row;

    /// <summary>When the next end has been kept long enough; null if none is kept.</summary>
    public DateTimeOffset? NextForgettable => _keeping.Count == 0 ? null : new DateTimeOffset(_keeping.Min.KeepTicks, TimeSpan.Zero);

    public IEnumerable<long> Forgettable(DateTimeOffset until) =>
        _keeping.TakeWhile(kept => kept.KeepTicks <= until.UtcTicks).Select(kept => kept.Number);

    /// <returns>False where the job is there already.</returns>
    public bool TryAdd(JobRow job)
    {
        _numbers.Add(job.Number);
        return _open.TryAdd(job.Number, RowCopy.Of(job));
    }

    public void Remove(long number)
    {
        _numbers.Remove(number);
        _open.Remove(number);
    }

    /// <returns>What puts the job back as it was, or null where there is no such job.</returns>
    public Action? Change(JobUpdate update)
    {
        if (!_open.TryGetValue(update.Number, out JobRow? before))
        {
            return null;
        }

        _open[update.Number] = before with { State = RowCopy.Of(update.State), Payload = RowCopy.Of(update.Payload) ?? before.Payload };
        return () => _open[update.Number] = before;
    }

    public void Put(JobEndRow end)
    {
        Forget(end.Number);
        byte[]? payload = end.KeepsPayload ? _open.GetValueOrDefault(end.Number)?.Payload : null;
        JobEndRow row = RowCopy.Of(end) with { KeepsPayload = payload is not null };
        _ends.Add(row.Number, new End(row, payload));
        _keeping.Add((row.KeepUntil.UtcTicks, row.Number));
    }

    public void Forget(long number)
    {
        if (_ends.Remove(number, out End end))
        {
            _keeping.Remove((end.Row.KeepUntil.UtcTicks, number));
        }
    }

    public void Put(MemoRow memo)
    {
        if (memo.Value is null)
        {
            _memos.Remove(memo.Name);
        }
        else
        {
            _memos[memo.Name] = RowCopy.Of(memo);
        }
    }

    private readonly record struct End(JobEndRow Row, byte[]? Payload);
}
