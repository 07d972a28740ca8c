using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Queues;
using Perdure.Storage;

namespace Perdure.Events;

/// <summary>
/// Brings events and the flows that wait for them together, by type and key.
/// <list type="bullet">
/// <item>An event that comes first is held for the time that its type says; waits that come first are rows. So either may be there when the process dies.</item>
/// <item>A wait ends in the batch that sends its event. A flow that has gone on meanwhile sends the event back, and it is offered again.</item>
/// <item>Where one flow is expected and several wait, none gets the event while that is so.</item>
/// </list>
/// </summary>
internal sealed class EventWaits(Home home)
{
    private readonly Dictionary<(string Type, string Key), List<EventWaitRow>> _waits = [];
    private readonly Dictionary<ParentRef, EventWaitRow> _byFlow = [];
    private readonly Dictionary<(string Type, string Key), List<EventRow>> _held = [];
    private readonly PriorityQueue<EventRow, (DateTimeOffset Until, long Order)> _ends = new();
    private readonly HashSet<string> _returning = new(StringComparer.Ordinal);
    private long _order;

    public int Count => _byFlow.Count;

    public IEnumerable<EventWaitRow> All => _byFlow.Values;

    public void Begin(IReadOnlyList<EventWaitRow> waits, IReadOnlyList<EventRow> held)
    {
        _waits.Clear();
        _byFlow.Clear();
        _held.Clear();
        _ends.Clear();
        _returning.Clear();
        foreach (EventWaitRow wait in waits)
        {
            Add(wait);
        }

        foreach (EventRow row in held)
        {
            Keep(row);
        }
    }

    /// <summary>Offers a new event, which is in the open batch, to the flows that wait for it.</summary>
    public void Offer(EventRow row, EventType type)
    {
        if (type.Options.Hold is { } hold && row.Key is not null)
        {
            Match(row, type.Options, StoredTimes.Up(row.PublishedAt, hold), isNew: true);
        }
    }

    /// <summary>A flow waits for an event from now on.</summary>
    public void Await(InboxRow message)
    {
        home.Shard.Inbox.Consume(message.Id, InboxId.NoRun);
        FlowWait wanted = FlowWait.Read(message.Payload!);
        var wait = new EventWaitRow(message.From!, wanted.Type, wanted.Key, home.Shard.Now());
        Add(wait);
        home.Batch.EventWaits.Add(wait);
        OfferHeld(wait);
    }

    /// <summary>A flow no longer waits.</summary>
    /// <returns>Whether it did.</returns>
    public bool End(ParentRef flow)
    {
        if (!_byFlow.TryGetValue(flow, out EventWaitRow? wait))
        {
            return false;
        }

        Remove(wait);
        OfferHeld(wait); // more waited than were expected: perhaps no longer
        return true;
    }

    /// <summary>A flow could not take the event that it was sent: once the event is read, it is offered again.</summary>
    public void Returned(InboxRow message)
    {
        _returning.Add(message.Id);
        home.Shard.Commits.Then(new ActionEffect(() => _ = ReadAsync(message)));
    }

    /// <summary>An event that a flow could not take was read. Of several that send it back the first does so: it may be held again by now.</summary>
    public void OfferAgain(InboxRow message, EventRow? row)
    {
        if (!_returning.Remove(message.Id))
        {
            return; // it was read twice: before a reload, and after it
        }

        home.Shard.Inbox.Consume(message.Id, InboxId.NoRun);
        if (row is null || row.Position < home.Topics.LogOf(row.Topic).First) // it may have been forgotten while it was read
        {
            Report(log => log.EventUnclaimed("forgotten by now", message.Name!, $"that {message.From!.Flow} waited for")); // its hold is over
        }
        else if (row is { Key: not null, State.Fate: EventFate.Taken } && !IsHeld(row) && home.Registry.Events.Find(row.Type) is { Options: { Hold: { } hold } options })
        {
            Match(row, options, StoredTimes.Up(row.PublishedAt, hold), isNew: false);
        }
    }

    /// <summary>The position of the first event of a topic that is held; the largest there is for none.</summary>
    public long FirstHeld(string topic) => _held.Values.SelectMany(h => h).Where(r => r.Topic == topic).Min(r => (long?)r.Position) ?? long.MaxValue;

    private bool IsHeld(EventRow row) => _held.TryGetValue((row.Type, row.Key!), out List<EventRow>? held) && held.Exists(h => h.Topic == row.Topic && h.Position == row.Position);

    /// <summary>Time has passed: what no flow has taken is unclaimed.</summary>
    public void Due(DateTimeOffset now)
    {
        while (_ends.TryPeek(out EventRow? row, out (DateTimeOffset Until, long Order) end) && end.Until <= now)
        {
            _ends.Dequeue();
            if (row.State.HeldUntil is { } until && until <= now && Forget(row))
            {
                Unclaimed(row, row.State.Fate == EventFate.Ambiguous ? EventFate.Ambiguous : EventFate.Unclaimed, isNew: false);
            }
        }
    }

    /// <summary>Offers what is held for a type and key, the first event first, now that who waits for it has changed. A flow may wait for several.</summary>
    private void OfferHeld(EventWaitRow changed)
    {
        bool isTaken = true;
        while (isTaken && _held.TryGetValue((changed.Type, changed.Key), out List<EventRow>? held) && home.Registry.Events.Find(changed.Type) is { } type)
        {
            EventRow first = held[0];
            Forget(first);
            Match(first, type.Options, first.State.HeldUntil!.Value, isNew: false);
            isTaken = first.State.Fate == EventFate.Taken;
        }
    }

    private void Match(EventRow row, EventOptions options, DateTimeOffset until, bool isNew)
    {
        List<EventWaitRow> waits = _waits.GetValueOrDefault((row.Type, row.Key!)) ?? [];
        List<EventWaitRow> first = [.. waits.DistinctBy(w => w.Flow.Flow)]; // of one flow's waits the oldest
        if (first.Count == 1 || (first.Count > 1 && options.ForAllWaiting))
        {
            SetState(row, new EventState(EventFate.Taken), isNew);
            first.ForEach(w => Send(row, w));
        }
        else if (until <= home.Shard.Now())
        {
            Unclaimed(row, first.Count > 1 ? EventFate.Ambiguous : EventFate.Unclaimed, isNew);
        }
        else
        {
            if (first.Count > 1 && row.State.Fate != EventFate.Ambiguous)
            {
                Report(log => log.EventAmbiguous(row.Type, EventRef.Name(row.Topic, row.Position), row.Key!, first.Count));
            }

            SetState(row, new EventState(first.Count > 1 ? EventFate.Ambiguous : EventFate.Held, until), isNew);
            Keep(row);
        }
    }

    private void Send(EventRow row, EventWaitRow wait)
    {
        Remove(wait);
        home.Shard.Send(new InboxRow(home.Node.ShardOf(wait.Flow.Flow), home.Topics.MessageId(), MessageKind.EventCame, wait.Flow.Flow)
        {
            From = new ParentRef(Shard.HomeKey, wait.Flow.Ask),
            Name = EventRef.Name(row.Topic, row.Position),
            Payload = row.Data,
        });
    }

    private void Unclaimed(EventRow row, EventFate fate, bool isNew)
    {
        SetState(row, new EventState(fate), isNew);
        PerdureMeter.EventUnclaimed(row.Topic);
        Report(log => log.EventUnclaimed(row.Type, EventRef.Name(row.Topic, row.Position), row.Key!));
    }

    private void SetState(EventRow row, EventState state, bool isNew)
    {
        row.State = state;
        if (!isNew)
        {
            home.Batch.EventUpdates.Add(new EventUpdate(row.Topic, row.Position, state));
        }
    }

    private void Keep(EventRow row)
    {
        DateTimeOffset until = row.State.HeldUntil!.Value;
        if (!_held.TryGetValue((row.Type, row.Key!), out List<EventRow>? held))
        {
            _held.Add((row.Type, row.Key!), held = []);
        }

        int at = held.FindIndex(h => h.Topic == row.Topic && h.Position > row.Position); // one that was sent back goes before later ones
        held.Insert(at < 0 ? held.Count : at, row);
        _ends.Enqueue(row, (until, _order++));
        home.Times.Add(0, until); // there is no job 0: the home is looked at
    }

    private bool Forget(EventRow row)
    {
        if (!_held.TryGetValue((row.Type, row.Key!), out List<EventRow>? held) || !held.Remove(row))
        {
            return false;
        }

        if (held.Count == 0)
        {
            _held.Remove((row.Type, row.Key!));
        }

        return true;
    }

    private void Add(EventWaitRow wait)
    {
        if (_byFlow.TryAdd(wait.Flow, wait))
        {
            if (!_waits.TryGetValue((wait.Type, wait.Key), out List<EventWaitRow>? waits))
            {
                _waits.Add((wait.Type, wait.Key), waits = []);
            }

            waits.Add(wait);
        }
    }

    private void Remove(EventWaitRow wait)
    {
        _byFlow.Remove(wait.Flow);
        home.Batch.EndedEventWaits.Add(wait.Flow);
        List<EventWaitRow> waits = _waits[(wait.Type, wait.Key)];
        waits.Remove(wait);
        if (waits.Count == 0)
        {
            _waits.Remove((wait.Type, wait.Key));
        }
    }

    private void Report(Action<Microsoft.Extensions.Logging.ILogger> line) => home.Shard.Commits.Then(new ActionEffect(() => line(home.Node.Log)));

    private async Task ReadAsync(InboxRow message)
    {
        (string topic, long position) = EventRef.Parse(message.Name!);
        Shard shard = home.Shard;
        while (!shard.Node.IsStopping)
        {
            try
            {
                IReadOnlyList<EventRow> rows = await shard.Node.Store.ReadEventsAsync(shard.Index, topic, position - 1, 1, CancellationToken.None);
                shard.Post(new ReturnedEventRead(message, rows.FirstOrDefault(r => r.Position == position)));
                return;
            }
            catch (Exception e)
            {
                shard.Node.Log.ReadFailed(e);
                await shard.Node.Seams.Delay(TimeSpan.FromSeconds(1), CancellationToken.None);
            }
        }
    }
}

/// <summary>An event that a flow could not take was read.</summary>
internal sealed class ReturnedEventRead(InboxRow message, EventRow? row) : HomeMessage
{
    protected override void Deliver() => Home.Topics.Waits.OfferAgain(message, row);
}
