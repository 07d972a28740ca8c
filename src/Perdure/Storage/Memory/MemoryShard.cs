namespace Perdure.Storage;

/// <summary>One shard's row, its wake-ups, its inbox, its jobs and its events.</summary>
internal sealed class MemoryShard
{
    private long _epoch;
    private Guid _token;
    private bool _held;
    private int _uncleanEnds;
    private Suspect? _suspect;
    private long _batch;
    private DateTimeOffset _time = DateTimeOffset.UnixEpoch;

    /// <summary>Flows that must be looked at, the earliest first.</summary>
    public SortedSet<(long WakeTicks, long Run)> Waking { get; } = [];

    /// <summary>Messages by their ids.</summary>
    public SortedDictionary<string, InboxRow> Inbox { get; } = new(StringComparer.Ordinal);

    public MemoryJobs Jobs { get; } = new();

    public MemoryEvents Events { get; } = new();

    public bool IsHeldBy(ShardLease lease) => _held && _epoch == lease.Epoch && _token == lease.Token;

    /// <summary>The number of the last batch.</summary>
    public long Batch => _batch;

    public bool Admits(ShardBatch batch) => IsHeldBy(batch.Lease) && _batch == batch.Number - 1;

    /// <param name="shard">The shard's number.</param>
    /// <param name="token">Random per takeover.</param>
    /// <param name="isOwn">Whether a node takes again what it has.</param>
    public ShardLease Take(int shard, Guid token, bool isOwn)
    {
        _uncleanEnds += _held && !isOwn ? 1 : 0;
        _held = true;
        _epoch++;
        _token = token;
        return new ShardLease(shard, _epoch, _token, _batch, _time, _uncleanEnds, _suspect);
    }

    public void Release()
    {
        _held = false;
        _uncleanEnds = 0;
        _suspect = null;
    }

    /// <summary>Moves to a batch that has been written.</summary>
    public void Advance(ShardBatch batch)
    {
        _batch = batch.Number;
        _time = RowCopy.Of(batch.Time);
        _suspect = batch.Suspect ?? _suspect;
        if (batch.Recovered)
        {
            _uncleanEnds = 0;
            _suspect = null;
        }
    }
}
