using Perdure.Storage;

namespace Perdure.Testing.Conformance;

/// <summary>What a store that several nodes share must do besides: who lives, who has which shard, and wake-ups.</summary>
internal sealed class NodeFacts : StoreSuite
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private ISharedStore Shared => (ISharedStore)Store;

    public async Task Nodes_get_numbers_that_none_had_before()
    {
        NodeLease a = await JoinAsync("a");
        await Shared.LeaveAsync(a, default);
        NodeLease b = await JoinAsync("a");
        (a.Node > 0).ShouldBe(true);
        (b.Node > a.Node).ShouldBe(true);
        (b.Name, b.Duration).ShouldBe(("a", Long));
    }

    public async Task Those_who_live_are_told_in_the_order_in_which_they_joined_with_what_they_have()
    {
        NodeLease a = await JoinAsync("a");
        NodeLease b = await JoinAsync("b");
        await TakeAsync(a, 0, 2);
        await TakeAsync(b, 1);

        ClusterView view = (await Shared.BeatAsync(b, default)).ShouldNotBeNull();
        view.Nodes.Select(n => (n.Node, n.Name)).ShouldBe([(a.Node, "a"), (b.Node, "b")]);
        Owners(view).ShouldBe([(0, a.Node), (1, b.Node), (2, a.Node), (3, null)]);
    }

    public async Task Shards_that_another_living_node_has_are_passed_over()
    {
        NodeLease a = await JoinAsync("a");
        NodeLease b = await JoinAsync("b");
        await TakeAsync(a, 0, 1);

        (await TakeAsync(b, 3, 1, 2)).Select(l => l.Shard).ShouldBe([3, 2]);
        (await TakeAsync(a, 1)).Single().UncleanEnds.ShouldBe(1); // its own it may take again, after an outcome that is unknown: that is no end
    }

    public async Task A_shard_that_is_given_back_is_free_and_clean()
    {
        NodeLease a = await JoinAsync("a");
        NodeLease b = await JoinAsync("b");
        IReadOnlyList<ShardLease> leases = await TakeAsync(a, 0, 1);
        await Store.ReleaseShardsAsync([leases[0]], default);

        ShardLease taken = (await TakeAsync(b, 0, 1)).Single();
        (taken.Shard, taken.Epoch, taken.UncleanEnds).ShouldBe((0, 3, 0));
    }

    public async Task A_node_whose_lease_has_ended_is_gone_for_good_and_what_it_had_is_free()
    {
        NodeLease a = await Shared.JoinAsync("a", Short, default);
        ShardLease old = (await TakeAsync(a, 0)).Single();
        NodeLease b = await JoinAsync("b");
        await UntilAsync(async () => (await Shared.BeatAsync(b, default))!.Nodes.All(n => n.Node != a.Node));

        (await Shared.BeatAsync(a, default)).ShouldBeNull();
        (await TakeAsync(a, 1)).ShouldBeEmpty();
        ShardLease taken = (await TakeAsync(b, 0)).Single();
        (taken.Epoch, taken.UncleanEnds).ShouldBe((old.Epoch + 1, old.UncleanEnds + 1));
        (await CommitAsync(new ShardBatch(old, old.Batch + 1, At(1)))).ShouldBe([CommitOutcome.Fenced]);
    }

    public async Task A_node_that_says_that_it_lives_keeps_what_it_has()
    {
        NodeLease a = await Shared.JoinAsync("a", TimeSpan.FromSeconds(3), default);
        NodeLease b = await JoinAsync("b");
        await TakeAsync(a, 0);
        for (int i = 0; i < 20; i++)
        {
            (await Shared.BeatAsync(a, default)).ShouldNotBeNull();
            (await TakeAsync(b, 0)).ShouldBeEmpty();
        }
    }

    public async Task Whoever_leaves_frees_what_it_has_and_its_own_inbox_goes()
    {
        NodeLease a = await JoinAsync("a");
        await TakeAsync(a, 0, a.Inbox);
        NodeLease b = await JoinAsync("b");
        ShardLease sender = (await TakeAsync(b, 1)).Single();
        ShardBatch batch = new(sender, sender.Batch + 1, At(1));
        batch.Sent.Add(new InboxRow(a.Inbox, "m", MessageKind.Answer, Key("f")));
        batch.Sent.Add(new InboxRow(2, "m", MessageKind.Signal, Key("f")));
        (await CommitAsync(batch)).ShouldBe([CommitOutcome.Committed]);
        await Shared.LeaveAsync(a, default);
        await Shared.LeaveAsync(a, default);

        (await TakeAsync(b, 0)).Count.ShouldBe(1);
        (await Shared.ReadInboxesAsync([2, a.Inbox], default)).Select(r => r.Shard).ShouldBe([2]);
        Owners((await Shared.BeatAsync(b, default))!).ShouldBe([(0, b.Node), (1, b.Node), (2, null), (3, null)]);
    }

    public async Task Inboxes_are_read_together_in_the_order_of_shards_and_ids()
    {
        ShardBatch batch = Batch();
        batch.Sent.Add(new InboxRow(2, "b", MessageKind.Signal, Key("f")) { Name = "go", Cause = "sender", Payload = [1] });
        batch.Sent.Add(new InboxRow(2, "a", MessageKind.Wait, Key("f")));
        batch.Sent.Add(new InboxRow(1, "c", MessageKind.Wait, Key("f")));
        batch.Sent.Add(new InboxRow(3, "d", MessageKind.Wait, Key("f")));
        await MustCommitAsync(batch);

        IReadOnlyList<InboxRow> rows = await Shared.ReadInboxesAsync([2, 1], default);
        rows.Select(r => (r.Shard, r.Id)).ShouldBe([(1, "c"), (2, "a"), (2, "b")]);
        (rows[2].Kind, rows[2].Name, rows[2].Cause).ShouldBe((MessageKind.Signal, "go", "sender"));
        (await Shared.ReadInboxesAsync([], default)).ShouldBeEmpty();
    }

    public async Task A_wake_up_reaches_the_node_that_it_is_for()
    {
        NodeLease a = await JoinAsync("a");
        NodeLease b = await JoinAsync("b");
        HashSet<int> atA = [];
        HashSet<int> atB = [];
        bool looks = false;
        using IDisposable first = Shared.Listen(a, shards => Hear(atA, shards));
        using IDisposable second = Shared.Listen(b, shards => Hear(atB, shards));

        // Wake-ups may be lost, so each is sent until it is heard.
        await UntilAsync(() => Heard(() => Shared.Wake(a.Node, [1, 2]), () => atA.IsSupersetOf([1, 2])));
        await UntilAsync(() => Heard(() => Shared.Wake(b.Node, [3]), () => atB.Contains(3)));
        await UntilAsync(() => Heard(() => Shared.Wake(b.Node, []), () => looks));
        atA.Contains(3).ShouldBe(false);
        atB.Contains(1).ShouldBe(false);

        void Hear(HashSet<int> heard, IReadOnlyList<int> shards)
        {
            lock (heard)
            {
                heard.UnionWith(shards);
                looks |= shards.Count == 0 && heard == atB;
            }
        }
    }

    private static async Task<bool> Heard(Action wake, Func<bool> heard)
    {
        wake();
        await Task.Yield();
        return heard();
    }

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        long began = TimeProvider.System.GetTimestamp();
        while (!await holds())
        {
            (TimeProvider.System.GetElapsedTime(began) < Deadline).ShouldBe(true);
            await Task.Delay(10);
        }
    }

    private static List<(int Shard, long? Node)> Owners(ClusterView view)
        => [.. Enumerable.Range(0, ShardCount).Select(s => (s, view.Owners.FirstOrDefault(o => o.Shard == s).Node))];

    private Task<NodeLease> JoinAsync(string name) => Shared.JoinAsync(name, Long, default);

    private Task<IReadOnlyList<ShardLease>> TakeAsync(NodeLease node, params int[] shards) => Shared.TakeShardsAsync(node, shards, Guid.NewGuid(), default);
}
