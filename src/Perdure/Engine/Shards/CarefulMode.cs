using Perdure.Diagnostics;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>
/// Catches crash loops. After two unclean ends in a row a shard does not start again all that was open at once: it runs one flow's code or one
/// step that was open at a time, alone on the node, and writes down beforehand what it is about to run. What was running alone at three deaths of the process
/// in a row is stuck, until a person retries it.
/// </summary>
/// <remarks>
/// Three deaths, since a process may be killed from outside at any moment. What a run that ended leaves is taken off the record before the
/// next one begins, so only what really ran is suspected. Flows that are started meanwhile run as always.
/// </remarks>
internal sealed class CarefulMode(Shard shard)
{
    public const int UncleanEndsMin = 2;
    public const int DeathsMax = 3;

    /// <summary>Who has run alone for so long without a death lets the next one go.</summary>
    public static readonly TimeSpan AloneMax = TimeSpan.FromSeconds(1);

    /// <summary>Says that nothing runs alone now.</summary>
    public static readonly Suspect Nobody = new(0, -1, 0);

    private readonly LinkedList<Item> _waiting = new();
    private readonly HashSet<FlowKey> _flows = [];
    private bool _mustRecover;
    private Item? _running;
    private Suspect? _suspect;

    /// <summary>Whether what was open at the takeover has not all got through.</summary>
    public bool IsOn { get; private set; }

    /// <summary>Takes over what was open, if the shard's last owners died.</summary>
    /// <returns>Whether it did; otherwise it is to be started as always.</returns>
    public bool Begin(ShardLease lease, List<WakingFlow> busy)
    {
        Clear();
        _mustRecover = lease.UncleanEnds > 0;
        _suspect = lease.Suspect is { Run: not 0 } s ? s with { Deaths = s.Deaths + 1 } : null;
        IsOn = lease.UncleanEnds >= UncleanEndsMin && busy.Count > 0;
        if (!IsOn)
        {
            if (busy.Count == 0 && shard.Home is null)
            {
                LivedOn(); // nothing that was open can have been the cause
            }

            return false;
        }

        shard.Node.Log.CarefulMode(shard.Index, lease.UncleanEnds);
        foreach (WakingFlow flow in busy)
        {
            _flows.Add(flow.Key);
            var item = new Item(flow.Key, flow.Run, null);
            if (flow.Run == _suspect?.Run)
            {
                _waiting.AddFirst(item); // if it is to blame that shows at once
            }
            else
            {
                _waiting.AddLast(item);
            }
        }

        Next();
        return true;
    }

    /// <summary>The shard has lived for a while, so its last ends say nothing about what it runs now.</summary>
    public void LivedOn()
    {
        if (_mustRecover && !IsOn)
        {
            _mustRecover = false;
            shard.Commits.Open.Recovered = true;
        }
    }

    /// <summary>Why a flow that is being read must not run; null if it may.</summary>
    public StuckReason? Condemns(StoredFlow flow)
    {
        if (_suspect is not { Deaths: >= DeathsMax } suspect || suspect.Run != flow.Row.Run)
        {
            return null;
        }

        _suspect = null;
        bool hasEnded = suspect.Ask >= 0 && flow.History.Any(h => h.Ask == suspect.Ask);
        string what = suspect.Ask < 0 ? "its code" : AskText.Asks(flow.History).ElementAtOrDefault(suspect.Ask) is (_, { } name) ? $"its step {name}" : "its step";
        return hasEnded ? null : new StuckReason(ErrorCodes.CrashSuspect, $"the process died {suspect.Deaths} times while {what} ran alone. Find out why (its log, a core dump), then retry the flow.");
    }

    /// <summary>Whether a step has to wait for its turn; then it does.</summary>
    public bool Takes(FlowSlot slot, StepAsk ask)
    {
        if (!IsOn || !_flows.Contains(slot.Key))
        {
            return false;
        }

        _waiting.AddFirst(new Item(slot.Key, slot.Row!.Run, ask));
        return true;
    }

    /// <summary>A flow has been read and is back, or will not come back.</summary>
    public void Loaded(FlowKey key)
    {
        if (_running is { Step: null } item && item.Key == key)
        {
            End();
        }
    }

    /// <summary>A step's attempts have led to something.</summary>
    public void Reported(long run, int ask)
    {
        if (_running is { Step: { } step } item && item.Run == run && step.Number == ask)
        {
            End();
        }
    }

    /// <summary>It is this shard's turn.</summary>
    public void Go()
    {
        if (_waiting.First is not { } first)
        {
            shard.Node.CarefulGate.Leave(shard);
            return;
        }

        _waiting.RemoveFirst();
        Item item = _running = first.Value;
        int ask = item.Step?.Number ?? -1;
        if (item.Step is { } step && (!step.Open || shard.Find(item.Key)?.Flow != step.Run))
        {
            End(); // settled, or asked for anew, meanwhile
            return;
        }

        int deaths = _suspect is { } s && s.Run == item.Run && s.Ask == ask ? s.Deaths : 0;
        shard.Commits.Open.Suspect = new Suspect(item.Run, ask, deaths);
        shard.Commits.Then(new ActionEffect(() => _ = LetNextGoAsync(item)));
        shard.Commits.Then(item.Step is null ? new ActionEffect(() => BringBack(item.Key)) : new StartStep(shard, item.Step));
    }

    public void Clear()
    {
        _waiting.Clear();
        _flows.Clear();
        _running = null;
        IsOn = false;
        shard.Node.CarefulGate.Leave(shard);
    }

    private async Task LetNextGoAsync(Item item)
    {
        await shard.Node.Seams.Delay(AloneMax, CancellationToken.None);
        shard.Post(new AloneForLong(item));
    }

    private void BringBack(FlowKey key)
    {
        if (shard.Find(key) is { Phase: not SlotPhase.Loading })
        {
            Loaded(key); // a message has brought it back already
        }
        else
        {
            shard.Route(new FlowDue(key) { Shard = shard });
        }
    }

    private void End()
    {
        _running = null;
        shard.Commits.Open.Suspect = Nobody;
        shard.Commits.Then(new ActionEffect(() =>
        {
            shard.Node.CarefulGate.Leave(shard);
            Next();
        }));
    }

    private void Next()
    {
        if (_waiting.Count > 0)
        {
            shard.Node.CarefulGate.Enter(shard);
        }
        else if (IsOn && _running is null)
        {
            IsOn = false;
            _mustRecover = false;
            shard.Commits.Open.Recovered = true;
        }
    }

    /// <summary>An item has run alone for long.</summary>
    private sealed class AloneForLong(Item item) : Message
    {
        public override void Handle()
        {
            if (ReferenceEquals(Shard.Careful._running, item))
            {
                Shard.Careful.End();
            }
        }
    }

    /// <summary>Something to run alone: a flow's code (to bring it back), or one of its steps.</summary>
    private sealed record Item(FlowKey Key, long Run, StepAsk? Step);
}

/// <summary>Lets one shard of the node at a time run something that may bring the process down.</summary>
internal sealed class CarefulGate
{
    private readonly Lock _lock = new();
    private readonly Queue<Shard> _waiting = new();
    private Shard? _inside;

    public void Enter(Shard shard)
    {
        lock (_lock)
        {
            if (_inside is not null)
            {
                _waiting.Enqueue(shard);
                return;
            }

            _inside = shard;
        }

        shard.Post(new CarefulTurn());
    }

    public void Leave(Shard shard)
    {
        Shard? next = null;
        lock (_lock)
        {
            if (_inside == shard)
            {
                _inside = _waiting.TryDequeue(out next) ? next : null;
            }
        }

        next?.Post(new CarefulTurn());
    }

    private sealed class CarefulTurn : Message
    {
        public override void Handle() => Shard.Careful.Go();
    }
}
