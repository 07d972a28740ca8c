using Perdure.Storage;

namespace Perdure.Testing.Conformance;

/// <summary>What a store keeps of events, from their coming until they are forgotten, and of those who want them.</summary>
internal sealed class EventFacts : EventSuite
{
    public async Task An_event_is_there_with_everything_after_the_store_is_opened_again()
    {
        EventRow full = new(2, "äöü €", 7, "", "Résumé", At(1))
        {
            Key = "",
            Source = "https://shop.example/🎉",
            Time = At(-3),
            Correlation = "order/1",
            Cause = "order/1#3",
            Data = [1, 2, 3],
            More = [],
            State = new EventState(EventFate.Held, At(99)),
        };
        EventRow bare = new(2, "äöü €", 8, "b", "Résumé", At(1));
        await MustCommitAsync(2, batch => batch.NewEvents.AddRange([full, bare]));
        await ReopenAsync();

        IReadOnlyList<EventRow> events = await ReadEventsAsync("äöü €", shard: 2);
        events.Count.ShouldBe(2);
        ShouldBeSame(events[0], full);
        ShouldBeSame(events[1], bare);
        (await ReadEventsAsync("äöü €", shard: 1)).ShouldBeEmpty();
        (await ReadEventsAsync("other", shard: 2)).ShouldBeEmpty();
    }

    public async Task A_log_is_read_in_pages_in_the_order_of_positions()
    {
        await MustCommitAsync(0, batch =>
        {
            batch.NewEvents.AddRange([.. Enumerable.Range(1, 20).Select(position => Event(position))]);
            batch.NewEvents.AddRange([Event(1, "a"), Event(1, "z")]);
        });
        List<long> paged = [];
        IReadOnlyList<EventRow> page;
        do
        {
            page = await Store.ReadEventsAsync(0, "orders", paged.LastOrDefault(), 7, default);
            paged.AddRange(page.Select(row => row.Position));
        }
        while (page.Count == 7 && paged.Count <= 20); // a store that begins anew each time would never end
        paged.ShouldBe(Enumerable.Range(1, 20).Select(position => (long)position));
        (await Store.ReadEventsAsync(0, "orders", 12, 2, default)).Select(row => row.Position).ShouldBe([13, 14]);
        (await Store.ReadEventsAsync(0, "orders", 20, 2, default)).ShouldBeEmpty();
        (await Store.ReadEventsAsync(0, "orders", long.MaxValue, 2, default)).ShouldBeEmpty();
        (await Store.ReadEventsAsync(0, "orders", 0, 0, default)).ShouldBeEmpty();
    }

    public async Task Topics_say_how_far_their_logs_go()
    {
        await MustCommitAsync(1, batch =>
        {
            batch.NewEvents.AddRange([.. Enumerable.Range(1, 9).Select(position => Event(position, "b", shard: 1))]);
            batch.NewEvents.AddRange([Event(4, "B", shard: 1), Event(1, "", shard: 1), Event(1, "ü", shard: 1), Event(2, "ü", shard: 1)]);
            batch.Deliveries.Add(Delivery(1, "no event"));
        });
        await MustCommitAsync(2, batch => batch.NewEvents.Add(Event(1, "c", shard: 2)));
        await ReopenAsync();
        (await Store.ReadTopicsAsync(1, default)).ShouldBe(
            [new TopicRange("", 1, 1), new TopicRange("B", 4, 4), new TopicRange("b", 1, 9), new TopicRange("ü", 1, 2)]);
        (await Store.ReadTopicsAsync(2, default)).ShouldBe([new TopicRange("c", 1, 1)]);
        (await Store.ReadTopicsAsync(0, default)).ShouldBeEmpty();
        (await Store.ReadTopicsAsync(3, default)).ShouldBeEmpty();
    }

    public async Task An_events_state_is_replaced_and_of_several_new_ones_the_last_counts()
    {
        EventState held = new(EventFate.Held, At(50));
        await MustCommitAsync(0, batch =>
        {
            batch.NewEvents.AddRange([Event(1), Event(2) with { State = held }, Event(1, "other")]);
            batch.EventUpdates.AddRange([new EventUpdate("orders", 1, new EventState(EventFate.Unclaimed)), new EventUpdate("orders", 1, held)]);
        });
        (await ReadEventsAsync()).Select(row => row.State).ShouldBe([held, held]);

        await MustCommitAsync(0, batch => batch.EventUpdates.Add(new EventUpdate("orders", 2, new EventState(EventFate.Taken))));
        IReadOnlyList<EventRow> events = await ReadEventsAsync();
        ShouldBeSame(events[0], Event(1) with { State = held });
        ShouldBeSame(events[1], Event(2) with { State = new EventState(EventFate.Taken) });
        ShouldBeSame((await ReadEventsAsync("other")).Single(), Event(1, "other"));
    }

    public async Task Deliveries_are_kept_in_order_and_a_later_one_replaces_the_one_before()
    {
        DeliveryRow[] rows =
        [
            Delivery(2) with { Subscription = "B" },
            Delivery(2) with { Subscription = "b", Generation = 0 },
            Delivery(2) with { Subscription = "b", Generation = 1, Status = JobStatus.Waiting },
            Delivery(2) with { Subscription = "ü", Status = JobStatus.Failed },
            Delivery(3),
        ];
        await MustCommitAsync(0, batch =>
        {
            batch.Deliveries.AddRange([.. rows.Reverse().Select(row => row with { Job = 77 })]);
            batch.Deliveries.AddRange([Delivery(1), Delivery(4), Delivery(2, "other")]);
        });
        await ReopenAsync();
        (await Store.ReadDeliveriesAsync(0, "orders", 2, 3, default)).ShouldBe(rows);
        (await Store.ReadDeliveriesAsync(0, "orders", 3, 2, default)).ShouldBeEmpty();
        (await Store.ReadDeliveriesAsync(1, "orders", 2, 3, default)).ShouldBeEmpty();

        await TakeAsync();
        DeliveryRow later = rows[2] with { StartedAt = At(70), EndedAt = At(80), Attempts = 9, Status = JobStatus.Completed };
        await MustCommitAsync(0, batch => batch.Deliveries.AddRange([later with { Attempts = 3 }, later]));
        (await Store.ReadDeliveriesAsync(0, "orders", 2, 2, default)).ShouldBe([rows[0], rows[1], later, rows[3]]);
    }

    public async Task Flows_that_wait_are_kept_in_the_order_in_which_they_began_to()
    {
        EventWaitRow[] waits = [Wait("z", since: 1), Wait("a", ask: 2, since: 2), Wait("a", ask: 10, since: 2), Wait("ä", since: 2) with { Key = "" }, Wait("b", since: 3)];
        await MustCommitAsync(1, batch => batch.EventWaits.AddRange(waits.Reverse()));
        await MustCommitAsync(2, batch => batch.EventWaits.Add(Wait("a", since: 9)));
        await MustCommitAsync(1, batch => batch.EventWaits.AddRange([Wait("z", since: 99) with { Type = "Other", Key = "other" }]));
        await ReopenAsync();
        (await Store.ReadEventWaitsAsync(1, default)).ShouldBe(waits);
        (await Store.ReadEventWaitsAsync(2, default)).ShouldBe([Wait("a", since: 9)]);
        (await Store.ReadEventWaitsAsync(0, default)).ShouldBeEmpty();

        await TakeAsync();
        await MustCommitAsync(1, batch =>
        {
            batch.EventWaits.Add(Wait("c"));
            batch.EndedEventWaits.AddRange([Wait("a", ask: 2).Flow, Wait("c").Flow, Wait("never there").Flow]);
        });
        (await Store.ReadEventWaitsAsync(1, default)).ShouldBe([waits[0], waits[2], waits[3], waits[4]]);
        await MustCommitAsync(1, batch => batch.EventWaits.Add(Wait("a", ask: 2, since: 50)));
        (await Store.ReadEventWaitsAsync(1, default)).ShouldBe([waits[0], waits[2], waits[3], waits[4], Wait("a", ask: 2, since: 50)]);
    }

    public async Task Events_are_forgotten_with_their_deliveries_and_their_ids_are_free_again()
    {
        await MustCommitAsync(0, batch =>
        {
            batch.NewEvents.AddRange([Event(1), Event(2), Event(3), Event(1, "other")]);
            batch.Deliveries.AddRange([Delivery(1), Delivery(2), Delivery(3), Delivery(1, "other")]);
        });
        await MustCommitAsync(1, batch => batch.NewEvents.Add(Event(1, "far", shard: 1)));
        await MustCommitAsync(0, batch => batch.ForgottenEvents.AddRange(
            [new ForgottenEvents("orders", 2), new ForgottenEvents("orders", 0), new ForgottenEvents("none", 9), new ForgottenEvents("far", 9)]));
        (await ReadPositionsAsync()).ShouldBe([3]);
        (await ReadDeliveriesAsync()).ShouldBe([Delivery(3)]);
        (await ReadPositionsAsync("other")).ShouldBe([1]);
        (await ReadDeliveriesAsync("other")).ShouldBe([Delivery(1, "other")]);
        (await ReadPositionsAsync("far", shard: 1)).ShouldBe([1]);
        (await Store.ReadTopicsAsync(0, default)).ShouldBe([new TopicRange("orders", 3, 3), new TopicRange("other", 1, 1)]);
        (await ListAsync(new EventFilter())).ShouldBe(["orders 3", "other 1", "far 1"]);

        await MustCommitAsync(0, batch =>
        {
            batch.NewEvents.AddRange([Event(4) with { Id = "e1" }, Event(5)]);
            batch.Deliveries.Add(Delivery(4));
            batch.ForgottenEvents.Add(new ForgottenEvents("orders", 4));
        });
        (await ReadPositionsAsync()).ShouldBe([5]);
        (await ReadDeliveriesAsync()).ShouldBeEmpty();
        await MustCommitAsync(0, batch => batch.ForgottenEvents.Add(new ForgottenEvents("orders", long.MaxValue)));
        (await Store.ReadTopicsAsync(0, default)).ShouldBe([new TopicRange("other", 1, 1)]);
    }

    public async Task A_store_has_room_for_events_on_a_shard_that_was_made_later()
    {
        ShardLease home = (await Store.TakeShardsAsync([ShardCount], Guid.NewGuid(), default))[0];
        ShardBatch batch = new(home, 1, At(0));
        batch.NewEvents.Add(Event(1, shard: ShardCount));
        batch.Deliveries.Add(Delivery(1));
        batch.EventWaits.Add(Wait("a"));
        (await CommitAsync(batch)).ShouldBe([CommitOutcome.Committed]);
        await ReopenAsync();
        (await ReadEventsAsync(shard: ShardCount)).Single().Shard.ShouldBe(ShardCount);
        (await ReadDeliveriesAsync(shard: ShardCount)).ShouldBe([Delivery(1)]);
        (await Store.ReadEventWaitsAsync(ShardCount, default)).ShouldBe([Wait("a")]);
        (await ListAsync(new EventFilter())).ShouldBe(["orders 1"]);
    }

    public async Task Large_events_are_kept_whole()
    {
        byte[] large = [.. Enumerable.Range(0, 300_000).Select(i => (byte)i)];
        EventRow row = Event(1) with { Id = new string('i', 20_000), Key = new string('ü', 20_000), Data = large, More = [.. large, 1] };
        await MustCommitAsync(0, batch => batch.NewEvents.AddRange([row, Event(2)]));
        IReadOnlyList<EventRow> events = await ReadEventsAsync();
        ShouldBeSame(events[0], row);
        ShouldBeSame(events[1], Event(2));
        (await ListAsync(new EventFilter { Id = row.Id })).ShouldBe(["orders 1"]);
    }

    [Case("position")]
    [Case("id")]
    [Case("position twice")]
    [Case("id twice")]
    [Case("update")]
    [Case("update of another shard's event")]
    public async Task A_batch_whose_events_cannot_be_written_is_refused_and_nothing_of_its_group_is_written(string fault)
    {
        await MustCommitAsync(0, batch => batch.NewEvents.AddRange([Event(1), Event(2)]));
        await MustCommitAsync(1, batch =>
        {
            batch.NewEvents.Add(Event(1, "far", shard: 1));
            batch.EventWaits.Add(Wait("a"));
        });
        ShardBatch good = Batch(0);
        good.NewEvents.AddRange([Event(3), Event(1, "other")]);
        good.EventUpdates.Add(new EventUpdate("orders", 2, new EventState(EventFate.Taken)));
        good.Deliveries.Add(Delivery(1));
        good.ForgottenEvents.Add(new ForgottenEvents("orders", 1));
        good.EventWaits.Add(Wait("b"));
        ShardBatch bad = Batch(1);
        bad.NewFlows.Add(Flow(1, shard: 1));
        bad.NewEvents.Add(Event(2, "far", shard: 1));
        bad.EndedEventWaits.Add(Wait("a").Flow);
        bad.Deliveries.Add(Delivery(1, "far"));
        AddFault(bad, fault);
        (await CommitAsync(good, bad)).ShouldBe([CommitOutcome.NotNow, CommitOutcome.Refused]);

        (await ReadPositionsAsync()).ShouldBe([1, 2]);
        ShouldBeSame((await ReadEventsAsync())[1], Event(2));
        (await Store.ReadTopicsAsync(0, default)).ShouldBe([new TopicRange("orders", 1, 2)]);
        ShouldBeSame((await ReadEventsAsync("far", shard: 1)).Single(), Event(1, "far", shard: 1));
        (await ReadDeliveriesAsync()).ShouldBeEmpty();
        (await ReadDeliveriesAsync("far", shard: 1)).ShouldBeEmpty();
        (await Store.ReadEventWaitsAsync(0, default)).ShouldBeEmpty();
        (await Store.ReadEventWaitsAsync(1, default)).ShouldBe([Wait("a")]);
        (await ReadAsync("f1")).ShouldBeNull();
        (await CommitAsync(good)).ShouldBe([CommitOutcome.Committed]);
        (await ReadPositionsAsync()).ShouldBe([2, 3]);
        await MustCommitAsync(1, batch => batch.NewEvents.Add(Event(2, "far", shard: 1)));
    }

    public async Task Events_of_a_batch_that_was_fenced_are_not_written()
    {
        ShardBatch fenced = new(Leases[0] with { Epoch = 99 }, 1, At(0));
        fenced.NewEvents.Add(Event(1));
        fenced.Deliveries.Add(Delivery(1));
        fenced.EventWaits.Add(Wait("a"));
        (await CommitAsync(fenced)).ShouldBe([CommitOutcome.Fenced]);
        (await ReadEventsAsync()).ShouldBeEmpty();
        (await ReadDeliveriesAsync()).ShouldBeEmpty();
        (await Store.ReadEventWaitsAsync(0, default)).ShouldBeEmpty();
    }

    public async Task Nobodys_later_change_of_an_event_reaches_what_is_stored()
    {
        byte[] data = [1];
        byte[] more = [2];
        EventRow row = Event(1) with { Data = data, More = more, State = new EventState(EventFate.Held) };
        await MustCommitAsync(0, batch => batch.NewEvents.Add(row));
        row.State = default;
        data[0] = more[0] = 99;
        Spoil((await ReadEventsAsync()).Single());
        Spoil((await RowsAsync(Store.ListEventsAsync(new EventFilter(), default))).Single());
        ShouldBeSame((await ReadEventsAsync()).Single(), Event(1) with { Data = [1], More = [2], State = new EventState(EventFate.Held) });
    }

    private static void Spoil(EventRow row)
    {
        row.State = new EventState(EventFate.Taken);
        row.Data[0] = 99;
        row.More![0] = 99;
    }

    private static void AddFault(ShardBatch batch, string fault)
    {
        switch (fault)
        {
            case "position":
                batch.NewEvents.Add(Event(1, "far", shard: 1) with { Id = "new" });
                break;
            case "id":
                batch.NewEvents.Add(Event(3, "far", shard: 1) with { Id = "e1" });
                break;
            case "position twice":
                batch.NewEvents.Add(Event(2, "far", shard: 1) with { Id = "new" });
                break;
            case "id twice":
                batch.NewEvents.Add(Event(3, "far", shard: 1) with { Id = "e2" });
                break;
            case "update":
                batch.EventUpdates.AddRange([new EventUpdate("far", 1, new EventState(EventFate.Taken)), new EventUpdate("far", 9, default)]);
                break;
            default:
                batch.EventUpdates.Add(new EventUpdate("orders", 1, default));
                break;
        }
    }
}
