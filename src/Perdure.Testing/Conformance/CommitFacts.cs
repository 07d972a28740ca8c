using Perdure.Storage;

namespace Perdure.Testing.Conformance;

/// <summary>What a batch writes, and what a store refuses.</summary>
internal sealed class CommitFacts : StoreSuite
{
    public async Task Everything_a_batch_holds_is_there_after_the_store_is_opened_again()
    {
        FlowRow flow = new(11, 2, Key("äöü €"), 3, At(1))
        {
            Parent = new ParentRef(new FlowKey("Shop", "s1"), 4),
            TraceParent = "00-trace-01",
            Correlation = "order/äöü",
            Cause = "orders/17",
            State = new FlowState(FlowStatus.Stuck, At(9), At(8), "PRD3001", "why"),
        };
        ShardBatch batch = Batch(2);
        batch.NewFlows.Add(flow);
        batch.History.Add(new HistoryRow(11, 0, At(1), InputKind.Started));
        batch.History.Add(Input(11, 1));
        batch.Backoffs.Add(new BackoffRow(11, 5, 6, At(2), At(3), [9]));
        await MustCommitAsync(batch);
        await ReopenAsync();

        StoredFlow stored = (await ReadAsync("äöü €")).ShouldNotBeNull();
        stored.Row.ShouldBe(flow);
        stored.History.Count.ShouldBe(2);
        ShouldBeSame(stored.History[0], new HistoryRow(11, 0, At(1), InputKind.Started));
        ShouldBeSame(stored.History[1], Input(11, 1));
        BackoffRow backoff = stored.Backoffs.Single();
        backoff.LastError.ShouldBe([9]);
        backoff.ShouldBe(new BackoffRow(11, 5, 6, At(2), At(3), backoff.LastError));
    }

    public async Task Empty_is_not_the_same_as_nothing()
    {
        ShardBatch batch = Batch();
        batch.NewFlows.Add(Flow(1));
        batch.History.Add(new HistoryRow(1, 0, At(0), InputKind.Started) { Name = "", Payload = [], Asks = "" });
        batch.History.Add(new HistoryRow(1, 1, At(0), InputKind.Started));
        await MustCommitAsync(batch);
        IReadOnlyList<HistoryRow> history = (await ReadAsync("f1"))!.History;
        (history[0].Name, history[0].Asks, history[0].Payload!.Length, history[0].Result).ShouldBe(("", "", 0, null));
        (history[1].Name, history[1].Asks, history[1].Payload).ShouldBe((null, null, null));
    }

    public async Task Large_values_are_kept_whole()
    {
        byte[] large = [.. Enumerable.Range(0, 300_000).Select(i => (byte)i)];
        string asks = new('é', 100_000);
        ShardBatch batch = Batch();
        batch.NewFlows.Add(Flow(1));
        batch.History.Add(new HistoryRow(1, 0, At(0), InputKind.Started) { Name = "small", Payload = large, Asks = asks, Result = [1] });
        await MustCommitAsync(batch);
        HistoryRow row = (await ReadAsync("f1"))!.History[0];
        (row.Name, row.Asks).ShouldBe(("small", asks));
        row.Payload.ShouldBe(large);
        row.Result.ShouldBe([1]);
    }

    public async Task A_state_replaces_the_one_before_even_in_the_batch_that_starts_the_flow()
    {
        ShardBatch batch = Batch();
        batch.NewFlows.Add(Flow(1));
        batch.Updates.Add(new FlowUpdate(1, new FlowState(FlowStatus.Running, At(50))));
        await MustCommitAsync(batch);
        (await ReadAsync("f1"))!.Row.State.ShouldBe(new FlowState(FlowStatus.Running, At(50)));

        ShardBatch end = Batch();
        end.Updates.Add(new FlowUpdate(1, new FlowState(FlowStatus.Completed, null, At(60))));
        await MustCommitAsync(end);
        (await ReadAsync("f1"))!.Row.State.ShouldBe(new FlowState(FlowStatus.Completed, null, At(60)));
    }

    public async Task An_input_that_was_not_decided_can_be_decided_later()
    {
        ShardBatch batch = Batch();
        batch.NewFlows.Add(Flow(1));
        batch.History.Add(new HistoryRow(1, 0, At(0), InputKind.Started) { Payload = [1] });
        await MustCommitAsync(batch);
        ShardBatch deciding = Batch();
        deciding.History.Add(new HistoryRow(1, 1, At(0), InputKind.TimerFired));
        deciding.Decided.Add(new HistoryRow(1, 0, At(0), InputKind.Started) { Asks = "s a", Result = [2] });
        deciding.Decided.Add(new HistoryRow(1, 1, At(0), InputKind.TimerFired) { Asks = "" });
        await MustCommitAsync(deciding);
        IReadOnlyList<HistoryRow> history = (await ReadAsync("f1"))!.History;
        history[0].Asks.ShouldBe("s a");
        history[0].Result.ShouldBe([2]);
        history[0].Payload.ShouldBe([1]);
        history[1].Asks.ShouldBe("");
    }

    public async Task A_backoff_is_replaced_and_then_ended()
    {
        ShardBatch batch = Batch();
        batch.NewFlows.Add(Flow(1));
        batch.Backoffs.Add(new BackoffRow(1, 0, 1, At(0), At(1), [1]));
        batch.Backoffs.Add(new BackoffRow(1, 1, 1, At(0), At(1), [1]));
        await MustCommitAsync(batch);
        ShardBatch next = Batch();
        next.Backoffs.Add(new BackoffRow(1, 1, 2, At(0), At(2), [2]));
        next.EndedBackoffs.Add((1, 0));
        next.EndedBackoffs.Add((1, 77));
        await MustCommitAsync(next);
        (await ReadAsync("f1"))!.Backoffs.Select(backoff => (backoff.Ask, backoff.Attempts, backoff.NextAt)).ShouldBe([(1, 2, At(2))]);
    }

    public async Task A_message_waits_in_the_receivers_inbox_until_a_batch_of_the_receiver_takes_it()
    {
        InboxRow message = new(1, "m1", MessageKind.ChildCompleted, Key("to")) { From = new ParentRef(Key("from"), 3), Name = "n", Payload = [1] };
        ShardBatch sending = Batch(0);
        sending.Sent.Add(message);
        sending.Sent.Add(new InboxRow(1, "m0", MessageKind.Cancel, Key("to")));
        await MustCommitAsync(sending);
        IReadOnlyList<InboxRow> inbox = await Store.ReadInboxAsync(1, default);
        inbox.Select(row => row.Id).ShouldBe(["m0", "m1"]);
        inbox[1].Payload.ShouldBe([1]);
        (inbox[1] with { Payload = message.Payload }).ShouldBe(message);
        (await Store.ReadInboxAsync(0, default)).ShouldBeEmpty();

        ShardBatch receiving = Batch(1);
        receiving.Received.AddRange(["m1", "never sent"]);
        await MustCommitAsync(receiving);
        (await Store.ReadInboxAsync(1, default)).Select(row => row.Id).ShouldBe(["m0"]);
    }

    public async Task A_message_that_is_sent_again_is_passed_over()
    {
        ShardBatch sending = Batch(0);
        sending.Sent.Add(new InboxRow(1, "m", MessageKind.Cancel, Key("first")));
        await MustCommitAsync(sending);
        ShardBatch again = Batch(0);
        again.Sent.Add(new InboxRow(1, "m", MessageKind.Cancel, Key("second")));
        again.Sent.Add(new InboxRow(2, "m", MessageKind.Cancel, Key("other shard")));
        await MustCommitAsync(again);
        (await Store.ReadInboxAsync(1, default)).Single().To.ShouldBe(Key("first"));
        (await Store.ReadInboxAsync(2, default)).Single().To.ShouldBe(Key("other shard"));
    }

    [Case("run")]
    [Case("key")]
    [Case("history")]
    [Case("update")]
    [Case("decision")]
    public async Task A_batch_that_cannot_be_written_is_refused_and_the_others_may_be_committed_without_it(string fault)
    {
        ShardBatch first = Batch(0);
        first.NewFlows.Add(Flow(1));
        first.History.Add(Input(1, 0));
        await MustCommitAsync(first);
        ShardBatch second = Batch(1);
        second.NewFlows.Add(Flow(9, shard: 1));
        second.History.Add(Input(9, 0));
        await MustCommitAsync(second);

        ShardBatch good = Batch(0, at: 1);
        good.NewFlows.Add(Flow(2));
        good.Updates.Add(new FlowUpdate(1, new FlowState(FlowStatus.Stuck, null)));
        good.History.Add(Input(1, 1));
        good.Decided.Add(Input(1, 0) with { Asks = "changed" });
        ShardBatch bad = Batch(1, at: 1);
        bad.NewFlows.Add(Flow(3, shard: 1));
        AddFault(bad, fault);
        (await CommitAsync(good, bad, Batch(2))).ShouldBe([CommitOutcome.NotNow, CommitOutcome.Refused, CommitOutcome.NotNow]);

        (await ListAsync(new FlowFilter())).ShouldBe([9, 1]);
        StoredFlow untouched = (await ReadAsync("f1"))!;
        untouched.Row.State.Status.ShouldBe(FlowStatus.Running);
        untouched.History.Single().Asks.ShouldBe(Input(1, 0).Asks);
        (await ReadWakingAsync()).Select(waking => waking.Run).ShouldBe([1]);
        (await CommitAsync(good, Batch(2))).ShouldBe([CommitOutcome.Committed, CommitOutcome.Committed]);
        (await ListAsync(new FlowFilter())).ShouldBe([9, 2, 1]);
    }

    public async Task A_group_has_its_place_once_and_before_it_is_answered_or_never()
    {
        int placed = 0;
        ShardBatch batch = Batch();
        batch.NewFlows.Add(Flow(1));
        Task<IReadOnlyList<CommitAnswer>> commit = Store.CommitAsync([batch], () => Interlocked.Increment(ref placed), default);
        (await commit)[0].Outcome.ShouldBe(CommitOutcome.Committed);
        int before = Volatile.Read(ref placed);
        (before <= 1).ShouldBe(true);

        ShardBatch again = new(Leases[0], batch.Number, At(1)); // fenced
        (await Store.CommitAsync([again], () => Interlocked.Increment(ref placed), default))[0].Outcome.ShouldBe(CommitOutcome.Fenced);
        ShardBatch refused = new(Leases[0], batch.Number + 1, At(1));
        refused.NewFlows.Add(Flow(1));
        (await Store.CommitAsync([refused], () => Interlocked.Increment(ref placed), default))[0].Outcome.ShouldBe(CommitOutcome.Refused);
        Volatile.Read(ref placed).ShouldBe(before);
    }

    public async Task Two_batches_of_one_group_that_start_the_same_flow_cannot_both_be_written()
    {
        ShardBatch first = Batch(0);
        first.NewFlows.Add(Flow(1, "same"));
        ShardBatch second = Batch(1);
        second.NewFlows.Add(Flow(2, "same", shard: 1));
        (await CommitAsync(first, second)).ShouldBe([CommitOutcome.NotNow, CommitOutcome.Refused]);
        (await ReadAsync("same")).ShouldBeNull();
    }

    public async Task Batches_of_several_shards_are_committed_together()
    {
        ShardBatch[] batches = [.. Enumerable.Range(0, ShardCount).Select(shard => Batch(shard))];
        foreach (ShardBatch batch in batches)
        {
            batch.NewFlows.Add(Flow(batch.Lease.Shard + 1, shard: batch.Lease.Shard));
        }

        (await CommitAsync(batches)).ShouldAllBe(outcome => outcome == CommitOutcome.Committed);
        (await Store.CountAsync(new FlowFilter(), default)).ShouldBe(ShardCount);
    }

    public async Task Commits_that_are_issued_from_the_continuation_of_the_last_do_not_pile_up()
    {
        const int count = 2_000;
        await CommitOneAfterAnotherAsync(count);
        (await TakeAsync())[0].Batch.ShouldBe(count);
    }

    private async Task CommitOneAfterAnotherAsync(int count)
    {
        for (int i = 1; i <= count; i++)
        {
            IReadOnlyList<CommitAnswer> answers = await Store.CommitAsync([new ShardBatch(Leases[0], i, At(i))], default).ConfigureAwait(false);
            answers[0].Outcome.ShouldBe(CommitOutcome.Committed);
        }
    }

    private static void AddFault(ShardBatch batch, string fault)
    {
        switch (fault)
        {
            case "run":
                batch.NewFlows.Add(Flow(9, "another", shard: 1));
                break;
            case "key":
                batch.NewFlows.Add(Flow(4, "f1"));
                break;
            case "history":
                batch.History.Add(Input(9, 0));
                break;
            case "update":
                batch.Updates.Add(new FlowUpdate(99, new FlowState(FlowStatus.Completed, null)));
                break;
            default:
                batch.Decided.Add(Input(9, 99));
                break;
        }
    }
}
