using Perdure.Cluster;
using Perdure.Diagnostics;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>
/// A shard's batches: one is open and gathers what turns decide, at most one is in flight. Effects wait with their batch and are
/// released when it is durable.
/// </summary>
internal sealed class ShardCommits(Shard shard)
{
    private ShardLease _lease = null!;
    private ShardBatch? _open;
    private ShardBatch? _spareBatch;
    private List<IEffect> _effects = [];
    private List<IEffect> _spare = [];
    private List<IFreeEffect> _free = [];
    private List<IFreeEffect> _spareFree = [];
    private SealedBatch? _inFlight;
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
                _open = _spareBatch ?? new ShardBatch(_lease, _stored + 1, Time);
                _spareBatch = null;
                shard.IsDirty();
            }

            return _open;
        }
    }

    public ShardLease Lease => _lease;

    /// <summary>The number of the last batch that is known to be durable. From any thread.</summary>
    public long Stored => Volatile.Read(ref _stored);

    public bool IsDurable(long sequence) => sequence <= _durable;

    public void Begin(ShardLease lease)
    {
        _lease = lease;
        Volatile.Write(ref _stored, lease.Batch);
        _spareBatch = null; // of the lease before
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
            _free.Add(free);
        }
        else if (_open is not null)
        {
            _effects.Add(effect);
        }
        else if (_inFlight is not null)
        {
            _inFlight.Effects.Add(effect);
        }
        else
        {
            effect.Release();
        }
    }

    /// <summary>Whether there is something to commit.</summary>
    public bool HasOpen => _open is not null;

    /// <summary>Whether there is something to commit, and no batch in flight.</summary>
    public bool CanSeal => _open is not null && _inFlight is null;

    /// <summary>Closes the open batch, to be committed.</summary>
    public SealedBatch Seal()
    {
        _open!.Number = _stored + 1;
        _open.Time = Time;
        _inFlight = new SealedBatch(shard, _open, _effects, _free);
        _open = null;
        _effects = _spare;
        _free = _spareFree;
        Sequence++;
        return _inFlight;
    }

    public void Answered(SealedBatch batch, CommitAnswer? answer, PerdureException? unknown)
    {
        if (batch == _inFlight) // and not of a life before the last takeover
        {
            Handle(batch, answer, unknown);
        }

        shard.Node.Log.Outage.Ended(batch);
    }

    private void Handle(SealedBatch batch, CommitAnswer? answer, PerdureException? unknown)
    {
        switch (answer?.Outcome)
        {
            case CommitOutcome.Committed:
                Committed(batch);
                break;
            case CommitOutcome.Refused:
                shard.Refusals.AfterRefusal(batch.Batch, answer.Value.Reason ?? "no reason given");
                break;
            default:
                shard.Recovery.Begin(unknown ?? new StoreException(ErrorCodes.StoreFailed, $"shard {_lease.Shard} was taken by another owner: {answer?.Reason}"));
                break;
        }
    }

    /// <summary>The node stops: who waits for what is not known to be durable is told. It may still be committed.</summary>
    public void Stop(PerdureException reason) => Waiting().ForEach(effect => effect.Lost(reason));

    /// <summary>Forgets what is not known to be durable.</summary>
    public void Forget(PerdureException reason)
    {
        List<IEffect> lost = Waiting();
        _effects = [];
        _free = [];
        _spare = [];
        _spareFree = [];
        _open = null;
        _inFlight = null;
        Sequence++;
        foreach (IEffect effect in lost)
        {
            effect.Lost(reason);
        }
    }

    private List<IEffect> Waiting() => [.. _inFlight?.Effects ?? [], .. _inFlight?.Free ?? [], .. _effects, .. _free];

    private void Committed(SealedBatch batch)
    {
        Volatile.Write(ref _stored, batch.Batch.Number);
        _durable = Sequence - 1;
        _inFlight = null;
        List<IEffect> effects = batch.Effects;
        foreach (IEffect effect in effects)
        {
            effect.Release();
        }

        effects.Clear();
        _spare = effects;
        batch.Free.Clear();
        _spareFree = batch.Free;
        _spareBatch = batch.Batch.TryEmpty() ? batch.Batch : null;
        if (_open is not null)
        {
            shard.IsDirty();
        }
    }
}
