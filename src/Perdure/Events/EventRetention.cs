using Perdure.Engine;
using Perdure.Queues;
using Perdure.Storage;

namespace Perdure.Events;

/// <summary>Forgets events that are old enough, that every subscription has been through, and that no flow may still get. A topic's last event stays: it says how far the log went.</summary>
internal sealed class EventRetention(Home home)
{
    private const int ForgottenAtOnce = 1_000;

    private bool _reading;

    /// <summary>Looks for events to forget, from time to time.</summary>
    public void Look()
    {
        if (_reading)
        {
            return;
        }

        List<(string Topic, long First, long UpTo)> stretches = [.. home.Topics.Logs.Select(l => (l.Name, l.First, MayGo(l))).Where(t => t.Item3 >= t.First)];
        if (stretches.Count > 0)
        {
            _reading = true;
            _ = ReadAsync(stretches, home.Shard.Now());
        }
    }

    /// <summary>It is known how far the logs are old enough.</summary>
    public void Forget(IReadOnlyList<ForgottenEvents> old)
    {
        _reading = false;
        bool isMore = false;
        foreach (ForgottenEvents wanted in old)
        {
            TopicLog log = home.Topics.LogOf(wanted.Topic);
            long upTo = Math.Min(wanted.UpTo, MayGo(log)); // a subscription may have been rewound since
            if (upTo >= log.First)
            {
                isMore |= upTo - log.First + 1 >= ForgottenAtOnce;
                log.First = upTo + 1;
                home.Batch.ForgottenEvents.Add(new ForgottenEvents(wanted.Topic, upTo));
                home.Shard.Commits.Then(new ActionEffect(() => log.Ids.Forget(upTo)));
            }
        }

        if (isMore)
        {
            home.Shard.Commits.Then(new ActionEffect(() => home.Shard.Post(new ForgetOldEvents())));
        }
    }

    private long MayGo(TopicLog log)
    {
        long upTo = Math.Min(log.Last - 1, home.Topics.Waits.FirstHeld(log.Name) - 1);
        foreach (SubscriptionReader reader in log.Readers)
        {
            upTo = Math.Min(upTo, reader.Memo.Done);
        }

        foreach (((_, string topic), CursorMemo memo) in home.Topics.Orphans)
        {
            upTo = topic == log.Name ? Math.Min(upTo, memo.Done) : upTo;
        }

        return upTo;
    }

    /// <summary>A flow may send an event back that is on its way to it: until its hold is over another one may want it then.</summary>
    private TimeSpan Longer(TimeSpan retention, EventRow row)
        => home.Registry.Events.Find(row.Type)?.Options.Hold is { } hold && hold > retention ? hold : retention;

    private async Task ReadAsync(List<(string Topic, long First, long UpTo)> stretches, DateTimeOffset now)
    {
        List<ForgottenEvents> old = [];
        try
        {
            foreach ((string topic, long first, long upTo) in stretches)
            {
                TimeSpan retention = home.Registry.Events.OptionsOf(topic).Retention;
                long last = 0;
                foreach (EventRow row in await home.Node.Store.ReadEventsAsync(home.Shard.Index, topic, first - 1, ForgottenAtOnce, CancellationToken.None))
                {
                    if (row.Position > upTo || row.PublishedAt + Longer(retention, row) > now)
                    {
                        break; // none goes before the ones before it
                    }

                    last = row.Position;
                }

                if (last > 0)
                {
                    old.Add(new ForgottenEvents(topic, last));
                }
            }
        }
        catch (Exception e)
        {
            home.Node.Log.ReadFailed(e);
        }

        home.Shard.Post(new OldEventsRead(old));
    }
}

/// <summary>The time has come to look for events to forget.</summary>
internal sealed class ForgetOldEvents : HomeMessage
{
    protected override void Deliver() => Home.Topics.Retention.Look();
}

internal sealed class OldEventsRead(IReadOnlyList<ForgottenEvents> old) : HomeMessage
{
    public override void GoElsewhere() => Home.Topics.Retention.Forget([]);

    protected override void Deliver() => Home.Topics.Retention.Forget(old);
}
