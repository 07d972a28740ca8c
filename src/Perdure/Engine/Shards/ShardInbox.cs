using Perdure.Cluster;
using Perdure.Diagnostics;
using Perdure.Queues;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>What comes to a shard from other shards: rows that stand in the store until the batch that takes them in deletes them. They are handed over in memory, too, and read again after a takeover, so each may come several times.</summary>
internal sealed class ShardInbox(Shard shard)
{
    private const int RecentMax = 4_096;

    private readonly Queue<string> _recent = new();
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);

    private long _consumed;

    /// <summary>How many messages were consumed for good. Whoever reads the inbox notes it before, to say in <see cref="Handle"/>.</summary>
    public long Consumed => Volatile.Read(ref _consumed);

    /// <summary>Handles what was read while the shard went on: what it has taken meanwhile it passes over.</summary>
    /// <returns>False if so much was consumed since that it cannot tell; then it is to be read again.</returns>
    public bool Handle(IReadOnlyList<InboxRow> rows, long consumed)
    {
        if (_consumed - consumed >= RecentMax)
        {
            return false;
        }

        foreach (InboxRow row in rows)
        {
            if (!_taken.Contains(row.Id))
            {
                Arrival(row).Handle();
            }
        }

        return true;
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
    public Message Arrival(InboxRow row)
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

    /// <summary>The store has gone back: what was consumed may be there again, or be sent again.</summary>
    public void ForgetAll()
    {
        _recent.Clear();
        _taken.Clear();
        Forget();
    }

    /// <summary>The shard forgets what is not known to be durable: what was read before says nothing any more.</summary>
    public void Forget() => Volatile.Write(ref _consumed, _consumed + RecentMax);

    /// <summary>
    /// The shard begins anew with what is in its inbox. What it took before and is not there any more was consumed for good, also where the answer to
    /// that commit was lost: whoever sent it may hear only now that it is durable, and hand it over once more.
    /// </summary>
    public void Begin(IReadOnlyList<InboxRow> inbox)
    {
        _taken.ExceptWith(inbox.Select(r => r.Id));
        _taken.Except(_recent).ToList().ForEach(Remember);
    }

    private void Remember(string id)
    {
        _recent.Enqueue(id);
        if (_recent.Count > RecentMax)
        {
            _taken.Remove(_recent.Dequeue());
        }
    }
}
