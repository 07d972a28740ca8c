using Perdure.Cluster;
using Perdure.Diagnostics;
using Perdure.Queues;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>
/// What comes to a shard from other shards: rows that stand in the store until the batch that takes them in deletes them. They are handed over in memory, too,
/// and read, so each may come several times. Whoever hands one over says how much was consumed before it was sent: if the shard has begun anew since, or has
/// consumed too much to know, another owner may have had it, and the inbox is read instead.
/// </summary>
internal sealed class ShardInbox(Shard shard)
{
    /// <summary>Of a shard that was elsewhere.</summary>
    public const long Unknown = -RecentMax;

    private const int RecentMax = 4_096;

    private static readonly TimeSpan ReadPause = TimeSpan.FromMilliseconds(100);

    private readonly Queue<string> _recent = new();
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);

    private long _consumed;
    private bool _isReading;
    private bool _readsAgain;

    /// <summary>How many messages were consumed for good. Whoever reads the inbox, or sends to it, notes it before. From any thread.</summary>
    public long Consumed => Volatile.Read(ref _consumed);

    /// <summary>Handles a message that is handed over in memory; what was sent before it and is still to be read comes first.</summary>
    public void HandOver(InboxRow row, long consumed)
    {
        if (_isReading || IsOld(consumed))
        {
            ReadAgain();
        }
        else
        {
            Handle(row);
        }
    }

    /// <summary>Handles what was read while the shard went on: what it has taken meanwhile it passes over.</summary>
    public void Handle(IReadOnlyList<InboxRow> rows, long consumed)
    {
        if (IsOld(consumed))
        {
            ReadAgain();
            return;
        }

        foreach (InboxRow row in rows)
        {
            Handle(row);
        }
    }

    /// <summary>Whether a message from the inbox is new to this owner of the shard.</summary>
    public bool Take(string id) => _taken.Add(id);

    /// <summary>Deletes a message from the inbox in the open batch.</summary>
    /// <param name="id">The message.</param>
    /// <param name="job">The job that took it in, with all that it led to; <see cref="InboxId.NoRun"/> for the topics; null for neither.</param>
    public void Consume(string id, long? job = null)
    {
        if (job is { } number)
        {
            shard.Commits.Open.ReceivedByJobs.Add((id, number));
        }

        shard.Commits.Open.Received.Add(id);
        shard.Commits.Then(new ActionEffect(() =>
        {
            // It may still be handed over a second time, from memory and from the store.
            Volatile.Write(ref _consumed, _consumed + 1);
            Remember(id);
        }));
    }

    /// <summary>Deletes a message from the inbox in the open batch, together with all the jobs that it led to.</summary>
    public void Consume(string id, IReadOnlyList<long> jobs)
    {
        foreach (long job in jobs)
        {
            shard.Commits.Open.ReceivedByJobs.Add((id, job));
        }

        Consume(id, jobs.Count == 0 ? InboxId.NoRun : null);
    }

    /// <summary>Answers a call from another node, and takes it out of the inbox, in the open batch.</summary>
    /// <param name="call">The call.</param>
    /// <param name="answer">The answer; null where nobody waits for it.</param>
    /// <param name="refusal">Why it is refused; null if it is not.</param>
    public void Answer(InboxRow call, InboxRow? answer, PerdureException? refusal = null)
    {
        Consume(call.Id);
        if (answer is not null)
        {
            shard.Send(answer);
        }
        else if (refusal is not null)
        {
            Keep(call, refusal);
        }
    }

    /// <summary>Keeps a message that came with a client's transaction and that nobody can take: somebody must look at it.</summary>
    public void Keep(InboxRow message, PerdureException reason)
    {
        shard.Commits.Open.Sent.Add(message with { Shard = NodeLease.Unclaimed, Cause = reason.Message });
        shard.Commits.Then(new ActionEffect(() => shard.Node.Log.MessageUnclaimed(message.Kind, message.To, reason.Message)));
    }

    /// <summary>What the shard is told when a message comes through its inbox.</summary>
    private Message Arrival(InboxRow row)
    {
        Message message = row.Kind switch
        {
            MessageKind.Answer or MessageKind.Refusal => new AnswerArrived(row),
            >= MessageKind.Start and <= MessageKind.SettleUndo => new CallArrived(row, shard.Node),
            MessageKind.RunJobs or MessageKind.StopJob or MessageKind.AskOffer => new HomeSaid(row),
            _ => shard.Home is null ? new InboxArrived(row) : new HomeInboxArrived(row),
        };
        message.Shard = shard;
        return message;
    }

    /// <summary>A flow that a client on another node has started is waited for from its start on: both are in the open batch.</summary>
    public void StartWaiting(InboxRow call)
    {
        Consume(call.Id);
        shard.Send(new InboxRow(shard.Index, InboxId.OfWait(call.Id), MessageKind.Wait, call.To));
    }

    /// <summary>The shard begins anew with what is in its inbox: what was sent or read before says nothing any more.</summary>
    public void Begin(IReadOnlyList<InboxRow> inbox)
    {
        _recent.Clear();
        _taken.Clear();
        Volatile.Write(ref _consumed, _consumed + RecentMax);
        foreach (InboxRow row in inbox)
        {
            Handle(row);
        }
    }

    /// <summary>The inbox was read once more, since something was handed over late.</summary>
    private void WasRead(IReadOnlyList<InboxRow> rows, long consumed)
    {
        bool readsAgain = _readsAgain;
        (_isReading, _readsAgain) = (false, false);
        if (shard.Recovery.IsRecovering)
        {
            return; // it is read with all the rest
        }

        if (readsAgain)
        {
            ReadAgain();
        }

        Handle(rows, consumed);
    }

    private void Handle(InboxRow row)
    {
        if (!_taken.Contains(row.Id))
        {
            Arrival(row).Handle();
        }
    }

    private bool IsOld(long consumed) => _consumed - consumed >= RecentMax;

    private void ReadAgain()
    {
        if (_isReading)
        {
            _readsAgain = true; // the read under way may have begun too early
        }
        else
        {
            _isReading = true;
            _ = ReadAsync();
        }
    }

    private async Task ReadAsync()
    {
        while (!shard.Node.IsStopping)
        {
            try
            {
                long consumed = Consumed;
                shard.Post(new ReadAnew(await shard.Node.Store.ReadInboxAsync(shard.Index, CancellationToken.None), consumed));
                return;
            }
            catch (Exception e)
            {
                shard.Node.Log.ReadFailed(e);
                await shard.Node.Seams.Delay(ReadPause, CancellationToken.None);
            }
        }
    }

    private void Remember(string id)
    {
        _recent.Enqueue(id);
        if (_recent.Count > RecentMax)
        {
            _taken.Remove(_recent.Dequeue());
        }
    }

    private sealed class ReadAnew(IReadOnlyList<InboxRow> rows, long consumed) : Message
    {
        public override void Handle() => Shard.Inbox.WasRead(rows, consumed);
    }
}

/// <summary>The inboxes of this node were read, since somebody may have sent to them.</summary>
internal sealed class InboxRead(IReadOnlyList<InboxRow> rows, long consumed) : Message
{
    public override void Handle()
    {
        if (!Shard.Recovery.IsRecovering) // else it is read with all the rest
        {
            Shard.Inbox.Handle(rows, consumed);
        }
    }
}

/// <summary>A shard hands a message over to another shard of this process, once it is durable.</summary>
/// <param name="node">This process.</param>
/// <param name="row">The message.</param>
/// <param name="consumed">How much the other shard had consumed before the message was sent.</param>
internal sealed class HandOver(Node node, InboxRow row, long consumed) : Message, IEffect
{
    public override bool CanWait => true;

    public void Release()
    {
        if (node.Here(row.Shard) is { } receiver)
        {
            receiver.Post(this);
        }
        else
        {
            node.Membership?.Wake(row.Shard); // without queues anywhere, it waits for a process that has them
        }
    }

    public void Lost(PerdureException reason)
    {
        // Recovery decides it again, or it is in the inbox.
    }

    public override void Handle()
    {
        if (!Shard.Recovery.Holds(this))
        {
            Shard.Inbox.HandOver(row, consumed);
        }
    }

    public override void GoElsewhere() => node.Membership?.Wake(row.Shard);
}
