using Perdure.Cluster;
using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>What clients on other nodes ask of a home, until it is answered.</summary>
/// <remarks>
/// A call is a row in the home's inbox until the batch that answers it, together with all that it led to: so whoever has the home answers it, once. After
/// a takeover it is read there again, and what was in memory of it has no say any more.
/// </remarks>
internal sealed class HomeCalls(Home home)
{
    private readonly Dictionary<string, HomeAsk> _open = new(StringComparer.Ordinal);

    private ShardInbox Inbox => home.Shard.Inbox;

    public void Clear() => _open.Clear();

    /// <summary>Whether a call is still to be answered.</summary>
    public bool Has(HomeAsk ask) => _open.GetValueOrDefault(ask.Call!.Id) == ask;

    /// <summary>A call came. One about what this process does not know stays in the inbox, for a node that does.</summary>
    public void Take(InboxRow row)
    {
        if (HomeCallText.Read(row, home.Registry) is not { } ask)
        {
            home.Node.Log.CallWaitsForCode(row.Name);
            return;
        }

        ask.Shard = home.Shard;
        ask.Call = row;
        _open.Add(row.Id, ask);
        if (home.Shard.Refusals.TakeRefusedCall(row.Id) is { } reason)
        {
            var error = new StoreException(ErrorCodes.StoreRefused, $"the store refused a value: {reason}");
            Refuse(ask, error);
            return;
        }

        ask.DeliverCall();
    }

    /// <summary>A client no longer waits.</summary>
    public void Stop(InboxRow row)
    {
        Inbox.Consume(row.Id, InboxId.NoRun);
        if (_open.TryGetValue(row.Name!, out HomeAsk? ask))
        {
            Withdraw(ask);
        }
    }

    /// <summary>Nobody waits any more on nodes that are gone: a worker there would be given jobs that it cannot do.</summary>
    public void Forget(Predicate<long> isGone)
        => _open.Values.Where(a => a.Wait is not null && InboxId.InboxOfCall(a.Call!.Id) is { } inbox && isGone(NodeLease.NodeOf(inbox))).ToList().ForEach(Withdraw);

    /// <summary>Answers a call in the open batch, in one part of it with the jobs that it led to.</summary>
    public void Answer(HomeAsk ask, IReadOnlyList<long> jobs, Func<long, InboxRow?> answer)
    {
        if (Has(ask))
        {
            Finish(ask.Call!, jobs, answer(jobs.Count == 0 ? InboxId.NoRun : jobs[0]));
        }
    }

    /// <summary>Refuses a call in the open batch. One in a client's own transaction, which nobody waits for, is kept for somebody to look at.</summary>
    public void Refuse(HomeAsk ask, PerdureException reason)
    {
        if (Has(ask))
        {
            InboxRow? refusal = Outgoing.Refusal(ask.Call!, InboxId.NoRun, reason);
            Finish(ask.Call!, [], refusal);
            if (refusal is null)
            {
                Inbox.Keep(ask.Call!, reason);
            }
        }
    }

    private void Withdraw(HomeAsk ask)
    {
        ask.Withdrawn();
        if (Has(ask))
        {
            Finish(ask.Call!, [], answer: null);
        }
    }

    private void Finish(InboxRow call, IReadOnlyList<long> jobs, InboxRow? answer)
    {
        _open.Remove(call.Id);
        Inbox.Consume(call.Id, jobs);
        if (answer is not null)
        {
            home.Shard.Send(answer);
        }
    }
}
