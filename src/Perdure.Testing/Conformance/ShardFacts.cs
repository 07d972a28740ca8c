using Perdure.Storage;

namespace Perdure.Testing.Conformance;

/// <summary>Who may write: leases, epochs, fences, and what is kept about unclean ends.</summary>
internal sealed class ShardFacts : StoreSuite
{
    public void A_new_store_has_the_shards_it_was_asked_for_and_says_how_durable_it_is()
    {
        Info.ShardCount.ShouldBe(ShardCount);
        Info.Durability.ShouldNotBeNullOrWhiteSpace();
    }

    public async Task A_store_keeps_its_number_and_its_shards_when_it_is_opened_again()
    {
        StoreInfo before = Info;
        await ReopenAsync(shardCount: ShardCount * 2);
        Info.ShouldBe(before);
    }

    public void A_shard_that_was_never_taken_starts_from_nothing()
    {
        Leases[1].ShouldBe(new ShardLease(1, 1, Leases[1].Token, 0, DateTimeOffset.UnixEpoch, 0, null));
    }

    public async Task Shards_are_given_in_the_order_they_were_asked_for()
    {
        Guid token = Guid.NewGuid();
        IReadOnlyList<ShardLease> leases = await Store.TakeShardsAsync([3, 1], token, default);
        leases.Select(lease => (lease.Shard, lease.Epoch, lease.Token)).ShouldBe([(3, 2, token), (1, 2, token)]);
    }

    public async Task A_shard_that_is_not_there_yet_is_made_when_it_is_taken()
    {
        ShardLease made = (await Store.TakeShardsAsync([0, ShardCount], Guid.NewGuid(), default))[1];
        made.ShouldBe(new ShardLease(ShardCount, 1, made.Token, 0, DateTimeOffset.UnixEpoch, 0, null));
        (await CommitAsync(new ShardBatch(made, 1, At(3)))).ShouldBe([CommitOutcome.Committed]);
        (await CommitAsync(new ShardBatch(made with { Shard = ShardCount + 1 }, 1, At(3)))).ShouldBe([CommitOutcome.Fenced]);

        await ReopenAsync();
        Info.ShardCount.ShouldBe(ShardCount);
        ShardLease again = (await Store.TakeShardsAsync([ShardCount], Guid.NewGuid(), default))[0];
        again.ShouldBe(new ShardLease(ShardCount, 2, again.Token, 1, At(3), 1, null));
    }

    public async Task Where_one_number_is_below_zero_no_shard_is_taken()
    {
        await Should.ThrowAsync<ArgumentOutOfRangeException>(() => Store.TakeShardsAsync([0, -1], Guid.NewGuid(), default));
        (await TakeAsync())[0].Epoch.ShouldBe(2);
    }

    public async Task A_lease_says_how_far_its_shard_has_come()
    {
        await MustCommitAsync(Batch(at: 5));
        await MustCommitAsync(Batch(at: 7));
        await ReopenAsync();
        ShardLease lease = (await TakeAsync())[0];
        (lease.Batch, lease.Time).ShouldBe((2, At(7)));
    }

    public async Task A_batch_under_an_old_epoch_is_fenced()
    {
        ShardBatch old = Batch();
        old.NewFlows.Add(Flow(1));
        await TakeAsync();
        (await CommitAsync(old)).ShouldBe([CommitOutcome.Fenced]);
        (await ReadAsync("f1")).ShouldBeNull();
    }

    public async Task A_batch_under_another_token_is_fenced()
    {
        ShardBatch foreign = new(Leases[0] with { Token = Guid.NewGuid() }, 1, At(0));
        (await CommitAsync(foreign)).ShouldBe([CommitOutcome.Fenced]);
    }

    [Case(1)]
    [Case(3)]
    public async Task A_batch_that_does_not_follow_the_last_one_is_fenced(long number)
    {
        await MustCommitAsync(Batch());
        (await CommitAsync(new ShardBatch(Leases[0], number, At(1)))).ShouldBe([CommitOutcome.Fenced]);
    }

    public async Task A_batch_under_a_lease_that_was_given_back_is_fenced()
    {
        await Store.ReleaseShardsAsync(Leases, default);
        (await CommitAsync(Batch())).ShouldBe([CommitOutcome.Fenced]);
    }

    public async Task One_fenced_batch_keeps_the_whole_group_from_being_written()
    {
        ShardBatch good = Batch(0);
        good.NewFlows.Add(Flow(1));
        ShardBatch fenced = new(Leases[1] with { Epoch = 99 }, 1, At(0));
        (await CommitAsync(good, fenced)).ShouldBe([CommitOutcome.NotNow, CommitOutcome.Fenced]);
        (await ReadAsync("f1")).ShouldBeNull();
        (await CommitAsync(good)).ShouldBe([CommitOutcome.Committed]);
        (await ReadAsync("f1")).ShouldNotBeNull();
    }

    public async Task Every_fenced_batch_of_a_group_is_named()
    {
        ShardBatch first = new(Leases[0], 9, At(0));
        ShardBatch third = new(Leases[2], 9, At(0));
        (await CommitAsync(first, Batch(1), third)).ShouldBe([CommitOutcome.Fenced, CommitOutcome.NotNow, CommitOutcome.Fenced]);
    }

    public async Task An_owner_that_ends_without_giving_back_counts_as_an_unclean_end()
    {
        (await TakeAsync())[0].UncleanEnds.ShouldBe(1);
        await ReopenAsync();
        (await TakeAsync())[0].UncleanEnds.ShouldBe(2);
    }

    public async Task A_clean_end_clears_unclean_ends_and_the_suspect()
    {
        await TakeAsync();
        ShardBatch batch = Batch();
        batch.Suspect = new Suspect(1, 2, 3);
        await MustCommitAsync(batch);
        await Store.ReleaseShardsAsync(Leases, default);
        ShardLease lease = (await TakeAsync())[0];
        (lease.UncleanEnds, lease.Suspect).ShouldBe((0, null));
    }

    public async Task Giving_back_a_lease_that_was_lost_changes_nothing()
    {
        IReadOnlyList<ShardLease> lost = Leases;
        await TakeAsync();
        await Store.ReleaseShardsAsync(lost, default);
        await MustCommitAsync(Batch());
        (await TakeAsync())[0].UncleanEnds.ShouldBe(2);
    }

    public async Task A_suspect_stays_until_it_is_replaced_or_the_shard_recovers()
    {
        ShardBatch suspecting = Batch();
        suspecting.Suspect = new Suspect(7, -1, 1);
        await MustCommitAsync(suspecting);
        await MustCommitAsync(Batch());
        (await TakeAsync())[0].Suspect.ShouldBe(new Suspect(7, -1, 1));

        ShardBatch replacing = Batch();
        replacing.Suspect = new Suspect(8, 3, 2);
        await MustCommitAsync(replacing);
        await ReopenAsync();
        (await TakeAsync())[0].Suspect.ShouldBe(new Suspect(8, 3, 2));

        ShardBatch recovering = Batch();
        recovering.Recovered = true;
        await MustCommitAsync(recovering);
        ShardLease lease = (await TakeAsync())[0];
        (lease.UncleanEnds, lease.Suspect).ShouldBe((1, null));
    }

    public async Task What_a_fenced_batch_says_of_its_shard_is_not_kept()
    {
        ShardBatch fenced = new(Leases[0], 9, At(9)) { Suspect = new Suspect(1, 1, 1) };
        await CommitAsync(fenced);
        ShardLease lease = (await TakeAsync())[0];
        (lease.Batch, lease.Time, lease.Suspect).ShouldBe((0, DateTimeOffset.UnixEpoch, null));
    }
}
