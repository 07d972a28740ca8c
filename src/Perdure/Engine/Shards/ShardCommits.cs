using Perdure.Cluster;
using Perdure.Diagnostics;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>
/// A shard's batches: one is open and gathers what turns decide, at most one is at the store without a decision, and some may have their place in
/// its order and are yet to be durable. Effects wait with their batch and are released when it is durable.
/// </summary>
internal sealed class ShardCommits(Shard shard)
{
    private readonly Queue<SealedBatch> _underWay = new();
    private readonly Stack<SealedBatch> _spares = new();
    private ShardLease _lease = null!;
    private SealedBatch? _open;
    private SealedBatch? _newest;
    private SealedBatch? _undecided;
    private long _last;
    private long _stored;
    private long _durable;

    /// <summary>The shard's time: that of its last input, and never before its last batch's.</summary>
    public DateTimeOffset Time { get; set; }

    /// <summary>Counts batches in this process, to say later whether what was in the open one is durable.</summary>
    public long Sequence { get; private set; } = 1;

    /// <summary>The batch that gathers now. Asking for it says that there is something to commit.</summary>
    public ShardBatch Open
    {
        get
        {
            if (_open is null)
            {
                _open = SealedBatch.New(shard, _lease, _spares.TryPop(out SealedBatch? spare) ? spare : null);
                shard.IsDirty();
            }

            return _open.Batch;
        }
    }

    public ShardLease Lease => _lease;

    /// <summary>The number of the last batch that is known to be durable. From any thread.</summary>
    public long Stored => Volatile.Read(ref _stored);

    public bool IsDurable(long sequence) => sequence <= _durable;

    public void Begin(ShardLease lease)
    {
        _lease = lease;
        _last = lease.Batch;
        Volatile.Write(ref _stored, lease.Batch);
        _spares.Clear(); // of the lease before
        Time = lease.Time > Time ? lease.Time : Time;
    }

    /// <summary>Lets an effect go once everything that was decided up to now is durable: at once if it is.</summary>
    public void Then(IEffect effect)
    {
        if (effect is IAnswer { Call: not null } answer)
        {
            answer.Send(); // in the batch that it is based on
        }
        else if (_open is not null && effect is IFreeEffect free)
        {
            _open.Free.Add(free);
        }
        else if ((_open ?? _newest) is { } last)
        {
            last.Effects.Add(effect);
        }
        else
        {
            effect.Release();
        }
    }

    /// <summary>Whether there is something to commit.</summary>
    public bool HasOpen => _open is not null;

    /// <summary>Whether there is something that is not known to be durable.</summary>
    public bool HasWaiting => (_open ?? _newest) is not null;

    /// <summary>Whether there is something to commit, and the store has decided about all before it.</summary>
    public bool CanSeal => _open is not null && _undecided is null;

    /// <summary>Closes the open batch, to be committed.</summary>
    public SealedBatch Seal()
    {
        SealedBatch batch = _open!;
        batch.Batch.Number = ++_last;
        batch.Batch.Time = Time;
        batch.Sequence = Sequence++;
        _underWay.Enqueue(batch);
        _newest = _undecided = batch;
        _open = null;
        return batch;
    }

    /// <summary>A batch has its place in the store's order: the next one may follow.</summary>
    public void Placed(SealedBatch batch)
    {
        if (batch == _undecided)
        {
            _undecided = null;
            if (_open is not null)
            {
                shard.IsDirty();
            }
        }
    }

    /// <summary>The store has answered. Answers take effect in the order of their batches, in which they come as a rule.</summary>
    public void Answered(SealedBatch batch)
    {
        bool goesOn = _underWay.Contains(batch); // and is not of a life before the last takeover
        while (goesOn && _underWay.TryPeek(out SealedBatch? oldest) && oldest.IsAnswered)
        {
            goesOn = Take(oldest);
        }

        shard.Node.Log.Outage.Ended(batch);
    }

    /// <summary>Takes the answer to the oldest batch.</summary>
    /// <returns>Whether the shard goes on; if not, it begins anew, and what is under way is forgotten then.</returns>
    private bool Take(SealedBatch batch)
    {
        switch (batch.Answer?.Outcome)
        {
            case CommitOutcome.Committed:
                Committed(batch);
                return true;
            case CommitOutcome.Refused:
                shard.Refusals.AfterRefusal(batch.Batch, batch.Answer.Value.Reason ?? "no reason given");
                return false;
            default:
                shard.Recovery.Begin(batch.Unknown ?? new StoreException(ErrorCodes.StoreFailed, $"shard {_lease.Shard} was taken by another owner: {batch.Answer?.Reason}"));
                return false;
        }
    }

    /// <summary>The node stops: who waits for what is not known to be durable is told. It may still be committed.</summary>
    public void Stop(PerdureException reason) => Waiting().ForEach(effect => effect.Lost(reason));

    /// <summary>Forgets what is not known to be durable.</summary>
    public void Forget(PerdureException reason)
    {
        List<IEffect> lost = Waiting();
        _underWay.Clear();
        (_open, _newest, _undecided) = (null, null, null);
        Sequence++;
        foreach (IEffect effect in lost)
        {
            effect.Lost(reason);
        }
    }

    private List<IEffect> Waiting() => [.. _underWay.Concat(_open is null ? [] : [_open]).SelectMany(static b => b.Effects.Concat(b.Free))];

    private void Committed(SealedBatch batch)
    {
        Placed(batch);
        _underWay.Dequeue();
        _newest = _underWay.Count > 0 ? _newest : null;
        Volatile.Write(ref _stored, batch.Batch.Number);
        _durable = batch.Sequence;
        foreach (IEffect effect in batch.Effects)
        {
            effect.Release();
        }

        batch.Effects.Clear();
        batch.Free.Clear();
        if (batch.Batch.TryEmpty())
        {
            _spares.Push(batch);
        }
    }
}

/// <summary>A batch that gathers what a shard decides, then is on its way to the store, and later is the message that brings its answer back.</summary>
internal sealed class SealedBatch : Message
{
    private SealedBatch(Shard shard, ShardBatch batch, List<IEffect> effects, List<IFreeEffect> free)
        => (Shard, Batch, Effects, Free) = (shard, batch, effects, free);

    public ShardBatch Batch { get; }

    /// <summary>What leaves when it is durable, on the shard's loop.</summary>
    public List<IEffect> Effects { get; }

    /// <summary>What leaves when it is durable, without the loop.</summary>
    public List<IFreeEffect> Free { get; }

    /// <summary>Counts the shard's batches in this process.</summary>
    public long Sequence { get; set; }

    /// <param name="shard">Whose it is.</param>
    /// <param name="lease">What the shard is held by.</param>
    /// <param name="spare">One that is durable and empty, whose memory is used again; null for none.</param>
    public static SealedBatch New(Shard shard, ShardLease lease, SealedBatch? spare)
        => new(shard, spare?.Batch ?? new ShardBatch(lease, 0, default), spare?.Effects ?? [], spare?.Free ?? []);

    /// <summary>Whether the shard has heard of its answer.</summary>
    public bool IsAnswered { get; private set; }

    /// <summary>The store's answer; null when the outcome is unknown, for the reason in <see cref="Unknown"/>.</summary>
    public CommitAnswer? Answer { get; private set; }

    public PerdureException? Unknown { get; private set; }

    /// <summary>The store has put it into its order. From any thread.</summary>
    public void IsPlaced() => Shard.Post(new BatchPlaced(this));

    /// <summary>Brings the answer back; none when the outcome is unknown.</summary>
    public void Answered(CommitAnswer? answer, PerdureException? unknown)
    {
        Answer = answer;
        Unknown = unknown;
        Shard.Post(this);
    }

    public override void Handle()
    {
        IsAnswered = true;
        Shard.Commits.Answered(this);
    }
}

/// <summary>A batch has its place in the store's order.</summary>
internal sealed class BatchPlaced(SealedBatch batch) : Message
{
    public override void Handle() => Shard.Commits.Placed(batch);
}
