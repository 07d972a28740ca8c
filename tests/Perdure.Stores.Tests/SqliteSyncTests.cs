using Perdure.Diagnostics;
using Perdure.Sqlite;
using Perdure.Sqlite.Native;
using Perdure.Storage;

namespace Perdure.Stores.Tests;

/// <summary>Nobody hears of a commit, or reads what it wrote, before it is on disk; and after a sync that failed nobody hears of one again.</summary>
public sealed class SqliteSyncTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private const string SyncThread = "perdure-sqlite-sync";
    private readonly TemporaryFolder _folder = new();
    private readonly HeldSync _disk = new();

    private string Path => _folder.File("flows.db");

    public void Dispose()
    {
        _disk.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_commit_is_answered_when_it_is_on_disk_and_the_next_one_is_written_meanwhile()
    {
        await using SqliteStore store = await OpenAsync();
        IReadOnlyList<ShardLease> leases = await TakeAsync(store);
        _disk.Hold();
        Task<CommitAnswer> first = CommitAsync(store, leases[0], 1);
        await _disk.BegunAsync();
        Task<CommitAnswer> second = CommitAsync(store, leases[1], 1);
        Query("SELECT count(*) FROM flow").ShouldBe("2");
        _disk.LetOneGo();
        (await first.WaitAsync(Limit)).Outcome.ShouldBe(CommitOutcome.Committed);

        await _disk.BegunAsync();
        second.IsCompleted.ShouldBeFalse();
        _disk.LetGo();
        (await second.WaitAsync(Limit)).Outcome.ShouldBe(CommitOutcome.Committed);
    }

    [Fact]
    public async Task A_shards_next_batch_is_written_before_the_last_one_is_on_disk()
    {
        await using SqliteStore store = await OpenAsync();
        ShardLease lease = (await TakeAsync(store))[0];
        _disk.Hold();
        bool isPlaced = false;
        Task<CommitAnswer> first = CommitAsync(store, lease, 1, () => isPlaced = true);
        isPlaced.ShouldBeTrue();
        await _disk.BegunAsync();
        isPlaced = false;
        Task<CommitAnswer> second = CommitAsync(store, lease, 2, () => isPlaced = true);
        isPlaced.ShouldBeTrue();
        (first.IsCompleted || second.IsCompleted).ShouldBeFalse();
        _disk.LetOneGo();
        (await first.WaitAsync(Limit)).Outcome.ShouldBe(CommitOutcome.Committed);
        await _disk.BegunAsync();
        second.IsCompleted.ShouldBeFalse();
        _disk.LetGo();
        (await second.WaitAsync(Limit)).Outcome.ShouldBe(CommitOutcome.Committed);
    }

    [Fact]
    public async Task After_a_failed_sync_all_that_had_a_place_is_unknown()
    {
        await using SqliteStore store = await OpenAsync();
        ShardLease lease = (await TakeAsync(store))[0];
        _disk.Hold();
        Task first = CommitAsync(store, lease, 1);
        await _disk.BegunAsync();
        Task second = CommitAsync(store, lease, 2);
        _disk.Fail();
        await ShouldFailAsync(first);
        await ShouldFailAsync(second);
        bool isPlaced = false;
        await ShouldFailAsync(CommitAsync(store, lease, 3, () => isPlaced = true));
        isPlaced.ShouldBeFalse();
    }

    [Fact]
    public async Task A_read_returns_when_what_it_saw_is_on_disk()
    {
        await using SqliteStore store = await OpenAsync();
        (Task<CommitAnswer> commit, Task<IReadOnlyList<StoredFlow?>> read) = await ReadUnderSyncAsync(store);
        (read.IsCompleted || commit.IsCompleted).ShouldBeFalse();
        _disk.LetGo();
        (await read.WaitAsync(Limit))[0].ShouldNotBeNull();
        (await commit.WaitAsync(Limit)).Outcome.ShouldBe(CommitOutcome.Committed);
    }

    [Fact]
    public async Task A_read_of_what_never_came_to_the_disk_fails()
    {
        await using SqliteStore store = await OpenAsync();
        (Task<CommitAnswer> commit, Task<IReadOnlyList<StoredFlow?>> read) = await ReadUnderSyncAsync(store);
        _disk.Fail();
        await ShouldFailAsync(read);
        await ShouldFailAsync(commit);
    }

    [Theory]
    [InlineData(HeldSync.SyncFailed)]
    [InlineData(13)] // a full disk, which a commit may survive, and a sync may not
    public async Task After_a_failed_sync_nothing_is_answered_as_committed_any_more(int code)
    {
        SqliteStore store = await OpenAsync();
        IReadOnlyList<ShardLease> leases = await TakeAsync(store);
        (await CommitAsync(store, leases[0], 1)).Outcome.ShouldBe(CommitOutcome.Committed);
        _disk.Hold();
        Task underSync = CommitAsync(store, leases[0], 2);
        await _disk.BegunAsync();
        Task writtenMeanwhile = CommitAsync(store, leases[1], 1);
        _disk.Fail(code);
        await ShouldFailAsync(underSync);
        await ShouldFailAsync(writtenMeanwhile);
        await ShouldFailAsync(CommitAsync(store, leases[0], 3));
        await ShouldFailAsync(TakeAsync(store));
        await ShouldFailAsync(store.ReleaseShardsAsync(leases, default));
        await ShouldFailAsync(store.ReadInboxAsync(0, default));
        await ShouldFailAsync(store.CountAsync(new FlowFilter(), default));
        await store.DisposeAsync().AsTask().WaitAsync(Limit);
        File.Exists(Path + "-wal").ShouldBeTrue("what was not synced was copied into the file");

        await using SqliteStore next = new(Path);
        await next.OpenAsync(2, default);
        (await TakeAsync(next))[0].Batch.ShouldBeGreaterThanOrEqualTo(1);
    }

    [Fact]
    public async Task What_was_committed_is_answered_before_the_store_is_closed()
    {
        SqliteStore store = await OpenAsync();
        IReadOnlyList<ShardLease> leases = await TakeAsync(store);
        _disk.Hold();
        Task<CommitAnswer> first = CommitAsync(store, leases[0], 1);
        await _disk.BegunAsync();
        Task<CommitAnswer> second = CommitAsync(store, leases[1], 1);
        Task closing = store.DisposeAsync().AsTask();
        Task closingAgain = store.DisposeAsync().AsTask();
        (closing.IsCompleted || closingAgain.IsCompleted).ShouldBeFalse();
        await ShouldFailAsync(CommitAsync(store, leases[0], 2));
        _disk.LetGo();
        (await first.WaitAsync(Limit)).Outcome.ShouldBe(CommitOutcome.Committed);
        (await second.WaitAsync(Limit)).Outcome.ShouldBe(CommitOutcome.Committed);
        await Task.WhenAll(closing, closingAgain).WaitAsync(Limit);
        File.Exists(Path + "-wal").ShouldBeFalse();
        Query("SELECT count(*) FROM flow").ShouldBe("2");
    }

    [Fact]
    public async Task A_store_whose_last_sync_fails_closes_all_the_same()
    {
        SqliteStore store = await OpenAsync();
        ShardLease lease = (await TakeAsync(store))[0];
        _disk.Hold();
        Task commit = CommitAsync(store, lease, 1);
        await _disk.BegunAsync();
        Task closing = store.DisposeAsync().AsTask();
        _disk.Fail();
        await ShouldFailAsync(commit);
        await closing.WaitAsync(Limit);
        await using SqliteStore next = new(Path);
        await next.OpenAsync(2, default);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_was_read_while_the_store_closes_waits_for_the_last_sync(bool fails)
    {
        SqliteWriter writer = new(new StoreFile(Path), new SqliteStoreOptions(), _disk.Around);
        writer.Open(2, Guid.NewGuid());
        _disk.Hold();
        Task change = writer.ChangeShardsAsync(static table => table.Take(0, Guid.NewGuid()), default);
        await _disk.BegunAsync();
        Task closing = writer.DisposeAsync().AsTask();
        Task caughtUp = writer.CaughtUpAsync();
        caughtUp.IsCompleted.ShouldBeFalse();
        if (fails)
        {
            _disk.Fail();
            await ShouldFailAsync(change);
            await ShouldFailAsync(caughtUp);
        }
        else
        {
            _disk.LetGo();
            await change.WaitAsync(Limit);
            await caughtUp.WaitAsync(Limit);
        }

        await closing.WaitAsync(Limit);
    }

    [Fact]
    public async Task A_store_can_be_closed_by_who_hears_of_a_commit()
    {
        SqliteStore store = await OpenAsync();
        ShardLease lease = (await TakeAsync(store))[0];
        async Task CommitAndCloseAsync()
        {
            await CommitAsync(store, lease, 1).ConfigureAwait(false);
            await store.DisposeAsync().ConfigureAwait(false);
        }

        await CommitAndCloseAsync().WaitAsync(Limit);
        Query("SELECT count(*) FROM flow").ShouldBe("1");
    }

    [Fact]
    public async Task Who_works_alone_syncs_for_himself_until_he_does_no_longer()
    {
        await using SqliteStore store = await OpenAsync();
        IReadOnlyList<ShardLease> leases = await TakeAsync(store);
        long number = 0;
        Task<string?> CommitHereAsync() => OnThread("caller", () => CommitAsync(store, leases[0], ++number));
        (await CommitHereAsync()).ShouldBe(SyncThread);
        while (number < 20)
        {
            await CommitHereAsync();
        }

        (await CommitHereAsync()).ShouldBe("caller");
        ShardBatch[] both = [.. leases.Select(lease => new ShardBatch(lease, lease.Shard == 0 ? ++number : 1, Now))];
        (await OnThread("caller", () => store.CommitAsync(both, default))).ShouldBe(SyncThread);
        (await CommitHereAsync()).ShouldBe(SyncThread);
    }

    [Fact]
    public async Task After_a_failed_sync_of_who_works_alone_nothing_is_answered_as_committed_any_more()
    {
        SqliteStore store = await OpenAsync();
        ShardLease lease = (await TakeAsync(store))[0];
        long number = 0;
        while (number < 20)
        {
            (await CommitAsync(store, lease, ++number)).Outcome.ShouldBe(CommitOutcome.Committed);
        }

        _disk.Fail();
        await ShouldFailAsync(CommitAsync(store, lease, 21));
        await ShouldFailAsync(CommitAsync(store, lease, 22));
        await ShouldFailAsync(store.CountAsync(new FlowFilter(), default));
        await store.DisposeAsync().AsTask().WaitAsync(Limit);
        await using SqliteStore next = new(Path);
        await next.OpenAsync(2, default);
        (await TakeAsync(next))[0].Batch.ShouldBeGreaterThanOrEqualTo(20);
    }

    /// <summary>Commits on a thread of its own.</summary>
    /// <returns>The name of the thread that synced.</returns>
    private async Task<string?> OnThread<T>(string name, Func<Task<T>> commit)
    {
        TaskCompletionSource<Task<T>> begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() => begun.SetResult(commit())) { Name = name, IsBackground = true }.Start();
        await (await begun.Task.WaitAsync(Limit)).WaitAsync(Limit);
        return _disk.LastThread;
    }

    /// <summary>Commits, and reads what was committed while the disk has not taken it yet.</summary>
    private async Task<(Task<CommitAnswer> Commit, Task<IReadOnlyList<StoredFlow?>> Read)> ReadUnderSyncAsync(SqliteStore store)
    {
        ShardLease lease = (await TakeAsync(store))[0];
        _disk.Hold();
        Task<CommitAnswer> commit = CommitAsync(store, lease, 1);
        await _disk.BegunAsync();
        ReadKeys keys = new([new FlowKey("Order", "f0-1")]);
        Task<IReadOnlyList<StoredFlow?>> read = store.ReadFlowsAsync(keys, FlowParts.Row, default);
        await keys.Read.WaitAsync(Limit);
        return (commit, read);
    }

    private static Task<IReadOnlyList<ShardLease>> TakeAsync(SqliteStore store) => store.TakeShardsAsync([0, 1], Guid.NewGuid(), default);

    private static async Task<CommitAnswer> CommitAsync(SqliteStore store, ShardLease lease, long number, Action? placed = null)
    {
        ShardBatch batch = new(lease, number, Now);
        batch.NewFlows.Add(new FlowRow((number * 2) + lease.Shard, lease.Shard, new FlowKey("Order", $"f{lease.Shard}-{number}"), 1, Now)
        {
            State = new FlowState(FlowStatus.Running, FlowRow.Busy),
        });
        return (await store.CommitAsync([batch], placed ?? (static () => { }), default).ConfigureAwait(false))[0];
    }

    private static async Task ShouldFailAsync(Task call) =>
        (await Should.ThrowAsync<StoreException>(call.WaitAsync(Limit))).Code.ShouldBe(ErrorCodes.StoreFailed);

    private async Task<SqliteStore> OpenAsync()
    {
        SqliteStore store = new(Path) { AroundSync = _disk.Around };
        await store.OpenAsync(2, default);
        return store;
    }

    private string? Query(string sql)
    {
        using SqliteConnection connection = new(Path, create: false, Limit);
        return connection.QueryText(sql);
    }

    /// <summary>Keys that say when the store has read the last of them.</summary>
    private sealed class ReadKeys(List<FlowKey> keys) : IReadOnlyList<FlowKey>
    {
        private readonly TaskCompletionSource _read = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Read => _read.Task;

        public int Count => keys.Count;

        public FlowKey this[int index] => keys[index];

        public IEnumerator<FlowKey> GetEnumerator()
        {
            foreach (FlowKey key in keys)
            {
                yield return key;
            }

            _read.TrySetResult();
        }

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
