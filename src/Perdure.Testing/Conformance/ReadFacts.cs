using Perdure.Storage;

namespace Perdure.Testing.Conformance;

/// <summary>What a store gives back, and what it says of many flows.</summary>
internal sealed class ReadFacts : StoreSuite
{
    public async Task Flows_are_read_in_the_order_of_the_keys_with_null_for_those_that_are_not_there()
    {
        await StartAsync(Flow(1), Flow(2));
        IReadOnlyList<StoredFlow?> flows = await Store.ReadFlowsAsync(
            [Key("f2"), Key("none"), new FlowKey("Other", "f1"), Key("f1"), Key("f2")], FlowParts.Row, default);
        flows.Select(flow => flow?.Row.Run).ShouldBe([2, null, null, 1, 2]);
    }

    public async Task Reading_nothing_gives_nothing()
    {
        (await Store.ReadFlowsAsync([], FlowParts.All, default)).ShouldBeEmpty();
    }

    [Case(FlowParts.Row, new int[0])]
    [Case(FlowParts.Start, new[] { 0 })]
    [Case(FlowParts.End, new[] { 2 })]
    [Case(FlowParts.All, new[] { 0, 1, 2 })]
    public async Task As_much_of_a_flow_is_read_as_was_asked_for(FlowParts parts, int[] positions)
    {
        ShardBatch batch = Batch();
        batch.NewFlows.AddRange([Flow(1), Flow(2)]);
        batch.History.AddRange([Input(1, 0), Input(1, 1), Input(1, 2)]);
        batch.Backoffs.Add(new BackoffRow(1, 1, 1, At(0), At(1), []));
        await MustCommitAsync(batch);
        StoredFlow flow = (await ReadAsync("f1", parts))!;
        flow.History.Select(row => row.Position).ShouldBe(positions);
        flow.Backoffs.Count.ShouldBe(parts == FlowParts.All ? 1 : 0);
        (await ReadAsync("f2", parts))!.History.ShouldBeEmpty();
    }

    public async Task Nobodys_later_change_of_a_row_reaches_what_is_stored()
    {
        FlowRow flow = Flow(1);
        HistoryRow input = Input(1, 0);
        ShardBatch batch = Batch();
        batch.NewFlows.Add(flow);
        batch.History.Add(input);
        await MustCommitAsync(batch);
        Spoil(flow, input);
        StoredFlow read = (await ReadAsync("f1"))!;
        Spoil(read.Row, read.History[0]);

        StoredFlow again = (await ReadAsync("f1"))!;
        again.Row.State.ShouldBe(Flow(1).State);
        ShouldBeSame(again.History[0], Input(1, 0));
    }

    public async Task Waking_flows_come_earliest_first_and_those_that_are_busy_before_all()
    {
        await StartAsync(Waking(5, At(30)), Waking(4, FlowRow.Busy), Waking(3, At(20)), Waking(2, FlowRow.Busy), Waking(1, At(30)));
        (await ReadWakingAsync()).ShouldBe(
        [
            new WakingFlow(FlowRow.Busy, 2, Key("f2")),
            new WakingFlow(FlowRow.Busy, 4, Key("f4")),
            new WakingFlow(At(20), 3, Key("f3")),
            new WakingFlow(At(30), 1, Key("f1")),
            new WakingFlow(At(30), 5, Key("f5")),
        ]);
    }

    public async Task Waking_flows_can_be_read_in_pages_up_to_a_time()
    {
        await StartAsync([.. Enumerable.Range(1, 20).Select(run => Waking(run, run % 3 == 0 ? FlowRow.Busy : At(run % 7)))]);
        IReadOnlyList<WakingFlow> whole = await Store.ReadWakingAsync(0, null, At(4), int.MaxValue, default);
        whole.ShouldAllBe(waking => waking.WakeAt <= At(4));
        List<WakingFlow> paged = [];
        IReadOnlyList<WakingFlow> page;
        do
        {
            page = await Store.ReadWakingAsync(0, paged.LastOrDefault(), At(4), 3, default);
            paged.AddRange(page);
        }
        while (page.Count == 3 && paged.Count <= whole.Count); // a store that begins anew each time would never end
        paged.ShouldBe(whole);
        paged.Count.ShouldBe((await ReadWakingAsync()).Count(waking => waking.WakeAt <= At(4)));
    }

    public async Task A_flow_wakes_in_its_own_shard_at_its_latest_time_and_no_more_once_it_has_ended()
    {
        await StartAsync(Waking(1, At(10)), Waking(2, FlowRow.Busy), Waking(3, At(10)));
        (await ReadWakingAsync(shard: 1)).ShouldBeEmpty();
        ShardBatch batch = Batch();
        batch.Updates.Add(new FlowUpdate(1, new FlowState(FlowStatus.Running, FlowRow.Busy)));
        batch.Updates.Add(new FlowUpdate(2, new FlowState(FlowStatus.Undoing, At(40))));
        batch.Updates.Add(new FlowUpdate(3, new FlowState(FlowStatus.Failed, null, At(11))));
        await MustCommitAsync(batch);
        (await ReadWakingAsync()).Select(waking => (waking.Run, waking.WakeAt)).ShouldBe([(1, FlowRow.Busy), (2, At(40))]);
    }

    public async Task Flows_are_listed_newest_run_first_by_every_condition()
    {
        await StartAsync([.. Enum.GetValues<FlowStatus>().Select((status, i) => InStatus(i + 1, status))]);
        await StartAsync(new FlowRow(20, 0, new FlowKey("Other", "o"), 1, At(20)) { State = new FlowState(FlowStatus.Running, null) });

        (await ListAsync(new FlowFilter())).ShouldBe([20, 7, 6, 5, 4, 3, 2, 1]);
        (await ListAsync(FlowFilter.Open)).ShouldBe([20, 3, 2, 1]);
        (await ListAsync(new FlowFilter { Statuses = [FlowStatus.Stuck, FlowStatus.Failed, FlowStatus.Stuck] })).ShouldBe([5, 3]);
        (await ListAsync(new FlowFilter { Statuses = [FlowStatus.Completed, FlowStatus.Terminated] })).ShouldBe([7, 4]);
        (await ListAsync(new FlowFilter { Type = "Order", Statuses = [FlowStatus.Running] })).ShouldBe([1]);
        (await ListAsync(new FlowFilter { Type = "None" })).ShouldBeEmpty();
        (await ListAsync(new FlowFilter { StartedFrom = At(2), StartedBefore = At(5) })).ShouldBe([4, 3, 2]);
        (await ListAsync(new FlowFilter { StartedFrom = At(2).AddTicks(1), StartedBefore = At(5).AddTicks(1) })).ShouldBe([5, 4, 3]);
        (await ListAsync(new FlowFilter { Limit = 2 })).ShouldBe([20, 7]);
        (await ListAsync(new FlowFilter { Limit = 0 })).ShouldBeEmpty();
    }

    public async Task Flows_are_listed_and_counted_by_their_business_transaction()
    {
        await StartAsync([.. Enum.GetValues<FlowStatus>().Select((status, i) => InStatus(i + 1, status) with { Correlation = i % 2 == 0 ? "even" : "" })]);
        await StartAsync(Flow(20) with { Correlation = "even", Key = new FlowKey("Other", "o") }, Flow(21));
        (FlowFilter Filter, List<long> Expected)[] filters =
        [
            (new FlowFilter { Correlation = "even" }, [20, 7, 5, 3, 1]),
            (new FlowFilter { Correlation = "" }, [6, 4, 2]),
            (new FlowFilter { Correlation = "odd" }, []),
            (FlowFilter.Open with { Correlation = "even" }, [20, 3, 1]),
            (new FlowFilter { Correlation = "even", Statuses = [FlowStatus.Stuck, FlowStatus.Failed, FlowStatus.Completed] }, [5, 3]),
            (new FlowFilter { Correlation = "even", Type = "Order", StartedFrom = At(2), StartedBefore = At(7), Limit = 1 }, [5]),
        ];
        foreach ((FlowFilter filter, List<long> expected) in filters)
        {
            (await ListAsync(filter)).ShouldBe(expected, filter.ToString());
            (await Store.CountAsync(filter, default)).ShouldBe(expected.Count, filter.ToString());
        }
    }

    public async Task A_long_list_is_whole()
    {
        await StartAsync([.. Enumerable.Range(1, 1_000).Select(run => Flow(run))]);
        (await ListAsync(new FlowFilter())).ShouldBe(Enumerable.Range(1, 1_000).Reverse().Select(run => (long)run));
        (await ListAsync(new FlowFilter { Limit = 600 })).Count.ShouldBe(600);
    }

    public async Task A_count_is_the_length_of_the_list()
    {
        await StartAsync([.. Enumerable.Range(0, 70).Select(i => InStatus(i + 1, (FlowStatus)(i % 7)))]);
        await StartAsync(new FlowRow(99, 0, Key("waits for ever"), 1, At(0)) { State = new FlowState(FlowStatus.Running, null) });
        FlowFilter[] filters =
        [
            new(), FlowFilter.Open, new() { Limit = 9 }, new() { Type = "Order" }, new() { StartedFrom = At(30), Statuses = [FlowStatus.Running] },
            .. Enum.GetValues<FlowStatus>().Select(status => new FlowFilter { Statuses = [status] }),
        ];
        foreach (FlowFilter filter in filters)
        {
            (await Store.CountAsync(filter, default)).ShouldBe((await ListAsync(filter)).Count, filter.ToString());
        }
    }

    public async Task Open_versions_are_those_that_runs_still_need()
    {
        FlowRow old = Flow(1) with { Version = 1 };
        FlowRow stuck = Flow(2) with { Version = 2, State = new FlowState(FlowStatus.Stuck, null) };
        FlowRow waiting = Flow(3) with { Version = 2, State = new FlowState(FlowStatus.Undoing, At(9)) };
        FlowRow ended = Flow(4) with { Version = 3, State = new FlowState(FlowStatus.Completed, null, At(9)) };
        FlowRow other = Flow(5) with { Key = new FlowKey("Another", "x"), Version = 7 };
        await StartAsync(old, stuck, waiting, ended, other);
        (await Store.ReadOpenVersionsAsync(default)).ShouldBe(
            [new OpenVersion("Another", 7, 1), new OpenVersion("Order", 1, 1), new OpenVersion("Order", 2, 2)]);
    }

    public async Task A_read_sees_what_was_committed_before_it_began()
    {
        for (int run = 1; run <= 200; run++)
        {
            await StartAsync(Flow(run));
            (await ReadAsync($"f{run}", FlowParts.Row)).ShouldNotBeNull();
        }
    }

    public async Task A_call_that_was_cancelled_before_it_began_does_nothing()
    {
        CancellationToken cancelled = new(canceled: true);
        ShardBatch batch = Batch();
        batch.NewFlows.Add(Flow(1));
        await Should.ThrowAsync<OperationCanceledException>(() => Store.CommitAsync([batch], cancelled));
        await Should.ThrowAsync<OperationCanceledException>(() => Store.ReadFlowsAsync([Key("f1")], FlowParts.All, cancelled));
        (await ReadAsync("f1")).ShouldBeNull();
        (await CommitAsync(batch)).ShouldBe([CommitOutcome.Committed]);
    }

    private static FlowRow Waking(long run, DateTimeOffset wakeAt) => Flow(run) with { State = new FlowState(FlowStatus.Running, wakeAt) };

    private static FlowRow InStatus(long run, FlowStatus status) =>
        Flow(run) with { State = new FlowState(status, status < FlowStatus.Stuck ? FlowRow.Busy : null) };

    private static void Spoil(FlowRow flow, HistoryRow input)
    {
        flow.State = new FlowState(FlowStatus.Terminated, null);
        input.Asks = "spoilt";
        input.Result = [];
        input.Payload![0] = 99;
    }

    private async Task StartAsync(params FlowRow[] flows)
    {
        ShardBatch batch = Batch();
        batch.NewFlows.AddRange(flows);
        await MustCommitAsync(batch);
    }
}
