using Perdure.Cluster;
using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Queues;
using Perdure.Storage;

namespace Perdure.Events;

/// <summary>Events that a client publishes, all or none of them. Null asks it to look for their ids again: too much has come since.</summary>
internal sealed class PublishEvents(IReadOnlyList<NewEvent> events, IReadOnlyList<long> seen) : HomeCall<PublishedEvent[]?>
{
    public override string What => $"publishing {(events.Count == 1 ? $"event {events[0].Type.Name}" : $"{events.Count} events")}";

    protected override CallText Text => CallText.Of("publish", (events.Select(SentEvent.Of).ToList(), seen));

    protected override void Deliver()
    {
        var answers = new PublishedEvent[events.Count];
        for (int i = 0; i < answers.Length; i++)
        {
            if (events[i].Id is not { } id)
            {
                continue;
            }

            RecentIds ids = Home.Topics.LogOf(events[i].Type.Topic).Ids;
            if (ids.Find(events[i].Source, id) is { } row)
            {
                if (!events[i].IsSame(row))
                {
                    RefuseThen(Conflict(row));
                    return;
                }

                answers[i] = new PublishedEvent(row.Topic, row.Position, row.Id, IsDuplicate: true);
            }
            else if (ids.Count - seen[i] >= RecentIds.Max)
            {
                LookAgain(id);
                return;
            }
        }

        for (int i = 0; i < answers.Length; i++)
        {
            if (answers[i].Id is null)
            {
                EventRow row = Home.Topics.Publish(events[i]);
                answers[i] = new PublishedEvent(row.Topic, row.Position, row.Id, IsDuplicate: false);
            }
        }

        AnswerThen(answers);
    }

    /// <summary>Too much has come since the ids were looked for. One who waits looks again; nobody does for a client's transaction.</summary>
    private void LookAgain(string id)
    {
        if (Call is not null && InboxId.InboxOfCall(Call.Id) is null)
        {
            RefuseThen(new PerdureException(ErrorCodes.EventConflict, $"nobody can say whether there is an event {id} already: its transaction was open while {RecentIds.Max:N0} others came. Look, and publish it again."));
        }
        else
        {
            AnswerThen(null);
        }
    }

    public static PerdureException Conflict(EventRow there)
        => new(ErrorCodes.EventConflict, $"there is an event {there.Id} in topic {there.Topic} already, and it says something else: its type is {there.Type}, its key {there.Key ?? "none"}. Give another event another id.");
}

/// <summary>How subscriptions do.</summary>
internal sealed class ReadSubscription(string subscription) : HomeCall<SubscriptionInfo>
{
    public override string What => $"subscription {subscription}";

    protected override CallText Text => CallText.Of("subscription", subscription);

    protected override void Deliver()
    {
        List<SubscriptionTopic> topics = [];
        foreach (TopicLog log in Home.Topics.Logs.OrderBy(l => l.Name, StringComparer.Ordinal))
        {
            if (Home.Topics.Find(subscription, log.Name) is { } reader)
            {
                topics.Add(new SubscriptionTopic(log.Name, reader.Memo.Done, log.Last, reader.Memo.Generation));
            }
            else if (Home.Topics.Orphans.TryGetValue((subscription, log.Name), out CursorMemo? memo))
            {
                topics.Add(new SubscriptionTopic(log.Name, memo.Done, log.Last, memo.Generation));
            }
        }

        bool isHandled = topics.Exists(t => Home.Topics.Find(subscription, t.Topic) is not null);
        if (topics.Count == 0)
        {
            RefuseThen(EventErrors.UnknownSubscription(subscription, Home.Registry.Events));
        }
        else
        {
            AnswerThen(new SubscriptionInfo(subscription, isHandled, topics));
        }
    }
}

/// <summary>Moves a subscription in the logs of its topics.</summary>
internal sealed class RewindSubscription(string subscription, IReadOnlyDictionary<string, long?> done) : HomeCall<bool>
{
    public override string What => $"subscription {subscription}";

    protected override CallText Text => CallText.Of("rewind", (subscription, done));

    protected override void Deliver()
    {
        foreach ((string topic, long? position) in done)
        {
            Home.Topics.Find(subscription, topic)?.Rewind(position ?? Home.Topics.LogOf(topic).Last);
        }

        AnswerThen(true);
    }
}

/// <summary>Forgets a subscription that no code has.</summary>
internal sealed class RemoveSubscription(string subscription) : HomeCall<bool>
{
    public override string What => $"subscription {subscription}";

    protected override CallText Text => CallText.Of("remove-subscription", subscription);

    protected override void Deliver()
    {
        if (Home.Registry.Events.Subscriptions.Any(s => s.Name == subscription))
        {
            RefuseThen(new PerdureException(ErrorCodes.BadOption, $"subscription {subscription} has handlers here: take its Subscribe calls out of the code first."));
        }
        else if (Home.Topics.Remove(subscription))
        {
            AnswerThen(true);
        }
        else
        {
            RefuseThen(EventErrors.UnknownSubscription(subscription, Home.Registry.Events));
        }
    }
}

internal static class EventErrors
{
    public static PerdureException UnknownSubscription(string name, EventRegistry registry)
        => new(ErrorCodes.UnknownSubscription, $"there is no subscription {name}: add it with Subscribe. There are: {string.Join(", ", registry.Subscriptions.Select(s => s.Name).DefaultIfEmpty("none"))}.");
}
