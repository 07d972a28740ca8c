using Perdure.Storage;

namespace Perdure.Testing.Conformance;

/// <summary>What a store says of many events.</summary>
internal sealed class EventListFacts : EventSuite
{
    public async Task Events_are_listed_newest_first_by_every_condition()
    {
        await MustCommitAsync(0, batch => batch.NewEvents.AddRange(
        [
            Event(1), Event(2) with { Key = "k" }, Event(3) with { Type = "OrderPaid", Key = "k" }, Event(4) with { Key = "", PublishedAt = At(3), Correlation = "o1" },
            Event(1, "Orders") with { Id = "x", PublishedAt = At(3) },
        ]));
        await MustCommitAsync(1, batch => batch.NewEvents.AddRange([Event(1, "far", shard: 1), Event(2, "far", shard: 1) with { PublishedAt = At(9), Type = "OrderPaid" }]));
        (EventFilter Filter, string[] Expected)[] filters =
        [
            (new EventFilter(), ["far 2", "orders 4", "orders 3", "Orders 1", "orders 2", "orders 1", "far 1"]),
            (new EventFilter { Topic = "orders" }, ["orders 4", "orders 3", "orders 2", "orders 1"]),
            (new EventFilter { Topic = "none" }, []),
            (new EventFilter { Type = "OrderPaid" }, ["far 2", "orders 3"]),
            (new EventFilter { Key = "k" }, ["orders 3", "orders 2"]),
            (new EventFilter { Key = "" }, ["orders 4"]),
            (new EventFilter { Id = "e1" }, ["orders 1", "far 1"]),
            (new EventFilter { Id = "x", Topic = "Orders" }, ["Orders 1"]),
            (new EventFilter { Id = "x", Topic = "orders" }, []),
            (new EventFilter { Correlation = "o1" }, ["orders 4", "Orders 1", "orders 1", "far 1"]),
            (new EventFilter { Correlation = "o1", Topic = "orders", Key = "" }, ["orders 4"]),
            (new EventFilter { Correlation = "o1", PublishedFrom = At(1).AddTicks(1), PublishedBefore = At(9) }, ["orders 4", "Orders 1"]),
            (new EventFilter { Correlation = "o1", Id = "e1", Limit = 1 }, ["orders 1"]),
            (new EventFilter { PublishedFrom = At(2), PublishedBefore = At(9) }, ["orders 4", "orders 3", "Orders 1", "orders 2"]),
            (new EventFilter { PublishedFrom = At(2).AddTicks(1), PublishedBefore = At(9).AddTicks(1) }, ["far 2", "orders 4", "orders 3", "Orders 1"]),
            (new EventFilter { PublishedFrom = At(5), PublishedBefore = At(4) }, []),
            (new EventFilter { Type = "OrderPaid", PublishedBefore = At(4), Limit = 1 }, ["orders 3"]),
            (new EventFilter { Limit = 3 }, ["far 2", "orders 4", "orders 3"]),
            (new EventFilter { Limit = 0 }, []),
        ];
        foreach ((EventFilter filter, string[] expected) in filters)
        {
            (await ListAsync(filter)).ShouldBe(expected, filter.ToString());
        }

        List<EventRow> rows = await RowsAsync(Store.ListEventsAsync(new EventFilter { Id = "e2", Topic = "orders" }, default));
        ShouldBeSame(rows.Single(), Event(2) with { Key = "k" });
    }

    [Case(EventFate.None)]
    [Case(EventFate.Held)]
    [Case(EventFate.Taken)]
    [Case(EventFate.Unclaimed)]
    [Case(EventFate.Ambiguous)]
    public async Task Events_are_listed_by_what_became_of_them(EventFate fate)
    {
        EventRow[] events = [.. Enumerable.Range(1, 40).Select(i => Event(i) with { State = new EventState((EventFate)(i % 5)), Correlation = i % 2 == 0 ? "even" : "odd" })];
        await MustCommitAsync(0, batch => batch.NewEvents.AddRange(events));
        foreach (EventFate[] fates in new EventFate[][] { [fate], [fate, EventFate.Held, fate], [fate, EventFate.Unclaimed, EventFate.Ambiguous], [fate, EventFate.Taken] })
        {
            string[] expected = [.. events.Where(row => fates.Contains(row.State.Fate)).Select(row => $"orders {row.Position}").Reverse()];
            (await ListAsync(new EventFilter { Fates = fates })).ShouldBe(expected);
            (await ListAsync(new EventFilter { Fates = fates, Limit = 3 })).ShouldBe(expected.Take(3));
            (await ListAsync(new EventFilter { Fates = fates, Correlation = "even" })).ShouldBe(expected.Where(name => name[^1] % 2 == 0));
        }

        await MustCommitAsync(0, batch => batch.EventUpdates.AddRange([.. events.Select(row => new EventUpdate("orders", row.Position, new EventState(EventFate.Taken)))]));
        (await ListAsync(new EventFilter { Fates = [fate] })).Count().ShouldBe(fate == EventFate.Taken ? 40 : 0);
        (await ListAsync(new EventFilter { Fates = [] })).Count().ShouldBe(40);
    }

    [Case("in turns")]
    [Case("at one time")]
    [Case("one after the other")]
    public async Task Long_lists_of_events_are_whole(string course)
    {
        DateTimeOffset TimeOf(int position, int topic) => course switch
        {
            "in turns" => At((position * 3) + topic),
            "at one time" => At(1),
            _ => At((topic * 1_000) + position),
        };

        string[] topics = ["a", "b", "c"];
        List<EventRow> events = [];
        for (int topic = 0; topic < topics.Length; topic++)
        {
            events.AddRange(Enumerable.Range(1, 300).Select(position =>
                Event(position, topics[topic], shard: topic) with { PublishedAt = TimeOf(position, topic), Correlation = "one" }));
            await MustCommitAsync(topic, batch => batch.NewEvents.AddRange(events.Where(row => row.Shard == topic)));
        }

        string[] newestFirst = [.. events.OrderByDescending(row => row.PublishedAt)
            .ThenByDescending(row => row.Topic, StringComparer.Ordinal).ThenByDescending(row => row.Position).Select(row => $"{row.Topic} {row.Position}")];
        (await ListAsync(new EventFilter { Limit = 2_000 })).ShouldBe(newestFirst);
        (await ListAsync(new EventFilter { Limit = 600 })).ShouldBe(newestFirst.Take(600));
        (await ListAsync(new EventFilter { Correlation = "one" })).ShouldBe(newestFirst);
        (await ListAsync(new EventFilter { PublishedFrom = At(100), PublishedBefore = At(1_200) })).ShouldBe(
            [.. events.Where(row => row.PublishedAt >= At(100) && row.PublishedAt < At(1_200)).Select(row => $"{row.Topic} {row.Position}")
                .OrderBy(name => Array.IndexOf(newestFirst, name))]);
    }
}
