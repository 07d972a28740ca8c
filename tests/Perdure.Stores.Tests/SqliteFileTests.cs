using Perdure.Diagnostics;
using Perdure.Sqlite;
using Perdure.Sqlite.Native;
using Perdure.Storage;

namespace Perdure.Stores.Tests;

/// <summary>What the SQLite store does about its file: who may open it, and what is wrong with it.</summary>
public sealed class SqliteFileTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.File("flows.db");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_file_that_is_open_is_refused_to_a_second_store_and_the_error_says_who_has_it()
    {
        await using SqliteStore first = await OpenAsync();
        StoreException error = await ShouldNotOpenAsync(ErrorCodes.StoreInUse);
        error.Message.ShouldContain($"process {Environment.ProcessId}");
        await CommitAsync(first, (await TakeAsync(first))[0], 1);
    }

    [Fact]
    public async Task A_file_that_was_closed_can_be_opened_again_also_after_a_refusal()
    {
        await using (await OpenAsync())
        {
            await ShouldNotOpenAsync(ErrorCodes.StoreInUse);
        }

        await using SqliteStore second = await OpenAsync();
        File.Exists(Path).ShouldBeTrue();
    }

    [Fact]
    public async Task A_second_open_of_a_store_is_refused_and_leaves_its_file_locked()
    {
        await using SqliteStore first = await OpenAsync();
        await Should.ThrowAsync<InvalidOperationException>(first.OpenAsync(2, default));
        await ShouldNotOpenAsync(ErrorCodes.StoreInUse);
        await CommitAsync(first, (await TakeAsync(first))[0], 1);
    }

    [Fact]
    public async Task A_link_to_an_open_file_is_refused_as_well()
    {
        await using SqliteStore first = await OpenAsync();
        string link = _folder.File("link.db");
        File.CreateSymbolicLink(link, Path);
        await ShouldNotOpenAsync(ErrorCodes.StoreInUse, link);
    }

    [Fact]
    public async Task A_missing_folder_is_named()
    {
        await ShouldNotOpenAsync(ErrorCodes.StoreNotWritable, _folder.File("none/flows.db"));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".lock")]
    public async Task A_folder_where_a_file_should_be_is_named(string suffix)
    {
        Directory.CreateDirectory(Path + suffix);
        await ShouldNotOpenAsync(ErrorCodes.StoreNotWritable);
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_left_alone()
    {
        await File.WriteAllTextAsync(Path, new string('x', 5_000));
        await ShouldNotOpenAsync(ErrorCodes.StoreDamaged);
        (await File.ReadAllTextAsync(Path)).ShouldBe(new string('x', 5_000));
    }

    [Fact]
    public async Task A_database_of_another_application_is_left_alone()
    {
        Tamper("CREATE TABLE theirs (a)");
        StoreException error = await ShouldNotOpenAsync(ErrorCodes.StoreDamaged);
        error.Message.ShouldContain("another application");
        Query("SELECT group_concat(name) FROM sqlite_schema").ShouldBe("theirs");
    }

    [Fact]
    public async Task Damaged_pages_are_found_when_the_file_is_opened()
    {
        await using (await OpenAsync())
        {
        }

        await using (FileStream file = File.OpenWrite(Path))
        {
            file.Position = 4096;
            file.Write(Enumerable.Repeat((byte)0xff, (int)file.Length - 4096).ToArray());
        }

        await ShouldNotOpenAsync(ErrorCodes.StoreDamaged);
    }

    [Fact]
    public async Task A_newer_schema_is_refused_and_left_alone()
    {
        await using (await OpenAsync())
        {
        }

        Tamper("UPDATE meta SET value = 999 WHERE name = 'schema_version'");
        StoreException error = await ShouldNotOpenAsync(ErrorCodes.StoreTooNew);
        error.Message.ShouldContain("999");
        Query("SELECT value FROM meta WHERE name = 'schema_version'").ShouldBe("999");
    }

    [Fact]
    public async Task A_file_at_its_limit_takes_no_more_until_there_is_room()
    {
        long number = 0;
        CommitAnswer answer;
        await using (SqliteStore full = await OpenAsync(new SqliteStoreOptions { FileBytesMax = 1024 * 1024 }))
        {
            ShardLease lease = (await TakeAsync(full))[0];
            do
            {
                answer = await CommitAsync(full, lease, ++number, payloadBytes: 50_000);
            }
            while (answer.Outcome == CommitOutcome.Committed && number < 1_000);
            answer.Outcome.ShouldBe(CommitOutcome.NotNow);
            answer.Reason.ShouldNotBeNull().ShouldContain(ErrorCodes.StoreFull);
            (await CommitAsync(full, lease, number, payloadBytes: 50_000)).Outcome.ShouldBe(CommitOutcome.NotNow);
            (await full.CountAsync(new FlowFilter(), default)).ShouldBe(number - 1);
        }

        await using SqliteStore roomy = await OpenAsync();
        ShardLease again = (await TakeAsync(roomy))[0];
        again.Batch.ShouldBe(number - 1);
        (await CommitAsync(roomy, again, number, payloadBytes: 50_000)).Outcome.ShouldBe(CommitOutcome.Committed);
    }

    [Fact]
    public async Task A_foreign_write_transaction_only_delays_commits()
    {
        await using SqliteStore store = await OpenAsync();
        ShardLease lease = (await TakeAsync(store))[0];
        using (SqliteConnection foreign = Connect())
        {
            foreign.Execute("BEGIN IMMEDIATE");
            (await CommitAsync(store, lease, 1)).Outcome.ShouldBe(CommitOutcome.NotNow);
        }

        (await CommitAsync(store, lease, 1)).Outcome.ShouldBe(CommitOutcome.Committed);
    }

    [Fact]
    public async Task A_shard_that_another_connection_took_is_fenced()
    {
        await using SqliteStore store = await OpenAsync();
        IReadOnlyList<ShardLease> leases = await TakeAsync(store);
        await CommitAsync(store, leases[0], 1);
        Tamper("UPDATE shard SET epoch = epoch + 1 WHERE shard = 0");
        (await CommitAsync(store, leases[0], 2)).Outcome.ShouldBe(CommitOutcome.Fenced);
        (await CommitAsync(store, leases[1], 1)).Outcome.ShouldBe(CommitOutcome.Committed);
    }

    [Fact]
    public async Task Damage_that_a_commit_meets_closes_the_store()
    {
        await using SqliteStore store = await OpenAsync();
        ShardLease lease = (await TakeAsync(store))[0];
        await CommitAsync(store, lease, 1);
        Tamper("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE flow (' WHERE name = 'flow'; PRAGMA schema_version = 999");
        Task[] calls =
        [
            CommitAsync(store, lease, 2),
            CommitAsync(store, lease, 2),
            TakeAsync(store),
            store.ReadInboxAsync(0, default),
        ];
        foreach (Task call in calls)
        {
            (await Should.ThrowAsync<StoreException>(call)).Code.ShouldBe(ErrorCodes.StoreDamaged);
        }
    }

    [Fact]
    public async Task A_store_that_was_closed_answers_nothing()
    {
        SqliteStore store = await OpenAsync();
        ShardLease lease = (await TakeAsync(store))[0];
        await store.DisposeAsync();
        await store.DisposeAsync();
        (await Should.ThrowAsync<StoreException>(CommitAsync(store, lease, 1))).Code.ShouldBe(ErrorCodes.StoreFailed);
        (await Should.ThrowAsync<StoreException>(store.ReadInboxAsync(0, default))).Code.ShouldBe(ErrorCodes.StoreFailed);
    }

    [Fact]
    public async Task Half_of_a_surrogate_pair_is_refused()
    {
        await using SqliteStore store = await OpenAsync();
        ShardLease lease = (await TakeAsync(store))[0];
        ShardBatch batch = new(lease, 1, Now);
        batch.NewFlows.Add(new FlowRow(1, 0, new FlowKey("Order", "\ud800"), 1, Now));
        (await store.CommitAsync([batch], default))[0].Outcome.ShouldBe(CommitOutcome.Refused);
        batch.NewFlows[0] = batch.NewFlows[0] with { Key = new FlowKey("Order", "with \0 inside") };
        (await store.CommitAsync([batch], default))[0].Outcome.ShouldBe(CommitOutcome.Committed);
        (await store.ReadFlowsAsync([new FlowKey("Order", "with \0 inside")], FlowParts.Row, default))[0].ShouldNotBeNull();
    }

    [Fact]
    public async Task The_log_stays_near_its_limit_however_much_is_committed()
    {
        const long limit = 1024 * 1024;
        await using SqliteStore store = await OpenAsync(new SqliteStoreOptions { WalBytesMax = limit });
        ShardLease lease = (await TakeAsync(store))[0];
        for (int i = 1; i <= 500; i++)
        {
            await CommitAsync(store, lease, i, payloadBytes: 20_000);
        }

        new FileInfo(Path + "-wal").Length.ShouldBeLessThan(limit + (limit / 4));
    }

    [Theory]
    [InlineData(0, 64 << 20, 2)]
    [InlineData(8 << 20, 1, 2)]
    [InlineData(8 << 20, 64 << 20, 0)]
    public void An_option_out_of_its_range_is_refused(long cacheBytes, long walBytesMax, int readers)
    {
        SqliteStoreOptions options = new() { CacheBytes = cacheBytes, WalBytesMax = walBytesMax, Readers = readers };
        Should.Throw<PerdureException>(() => new SqliteStore(Path, options)).Code.ShouldBe(ErrorCodes.BadOption);
    }

    private static Task<IReadOnlyList<ShardLease>> TakeAsync(SqliteStore store) =>
        store.TakeShardsAsync([0, 1], Guid.NewGuid(), default);

    private static async Task<CommitAnswer> CommitAsync(SqliteStore store, ShardLease lease, long number, int payloadBytes = 10)
    {
        long run = (number * 2) + lease.Shard;
        ShardBatch batch = new(lease, number, Now);
        batch.NewFlows.Add(new FlowRow(run, lease.Shard, new FlowKey("Order", $"f{number}"), 1, Now)
        {
            State = new FlowState(FlowStatus.Running, FlowRow.Busy),
        });
        batch.NewFlows[0] = lease.Shard == 0 ? batch.NewFlows[0] : batch.NewFlows[0] with { Key = new FlowKey("Order", $"g{number}") };
        batch.History.Add(new HistoryRow(run, 0, Now, InputKind.Started) { Payload = new byte[payloadBytes] });
        return (await store.CommitAsync([batch], default))[0];
    }

    private async Task<SqliteStore> OpenAsync(SqliteStoreOptions? options = null)
    {
        SqliteStore store = new(Path, options);
        await store.OpenAsync(2, default);
        return store;
    }

    private async Task<StoreException> ShouldNotOpenAsync(string code, string? path = null)
    {
        await using SqliteStore store = new(path ?? Path);
        StoreException error = await Should.ThrowAsync<StoreException>(store.OpenAsync(2, default));
        error.Code.ShouldBe(code);
        error.Message.ShouldContain(System.IO.Path.GetDirectoryName(path ?? Path)!);
        return error;
    }

    private SqliteConnection Connect() => new(Path, create: true, TimeSpan.FromSeconds(10));

    private void Tamper(string sql)
    {
        using SqliteConnection connection = Connect();
        connection.Execute(sql);
    }

    private string? Query(string sql)
    {
        using SqliteConnection connection = Connect();
        return connection.QueryText(sql);
    }
}
