using Npgsql;
using Perdure.Shared;
using Perdure.Storage;

namespace Perdure.Postgres.Tests;

/// <summary>The server is killed, ends sessions, lets nobody in, or takes nothing: whatever was answered is there, once, and it goes on.</summary>
public sealed class FaultTests(OnePostgres postgres) : IClassFixture<OnePostgres>
{
    private const int Writers = 3;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task A_server_that_is_killed_in_the_middle_of_commits_loses_nothing_and_doubles_nothing()
    {
        await using PostgresStore store = await OpenAsync();
        TaskCompletionSource up = new();
        up.SetResult();
        List<Writer> writers = await WriteAsync(store, () => Volatile.Read(ref up).Task, async moreAsync =>
        {
            for (int kills = 0; kills < 4; kills++)
            {
                await moreAsync(20);
                Volatile.Write(ref up, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
                await postgres.Server.KillAsync();
                await postgres.Server.StartAsync();
                up.SetResult();
            }
        });

        writers.Sum(writer => writer.Unknown).ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Sessions_that_are_ended_in_the_middle_of_commits_lose_nothing_and_double_nothing()
    {
        await using PostgresStore store = await OpenAsync();
        List<Writer> writers = await WriteAsync(store, () => Task.CompletedTask, async moreAsync =>
        {
            for (int rounds = 0; rounds < 60; rounds++)
            {
                await moreAsync(3);
                await postgres.AskAsync("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'perdure %'");
            }
        });

        writers.Sum(writer => writer.Unknown).ShouldBeGreaterThan(20);
    }

    [Fact]
    public async Task A_server_that_is_read_only_or_has_no_room_takes_nothing_until_that_is_over()
    {
        string schema = OnePostgres.NewSchema();
        await using PostgresStore store = postgres.Store(schema);
        await store.OpenAsync(2, default);
        ShardLease lease = (await store.TakeShardsAsync([0], Guid.NewGuid(), default))[0];

        await SetAsync("default_transaction_read_only = on");
        CommitAnswer answer = await CommitAsync(store, lease, 1);
        answer.Outcome.ShouldBe(CommitOutcome.NotNow);
        answer.Reason.ShouldNotBeNull().ShouldContain("read-only");
        (await store.ReadOpenVersionsAsync(default)).ShouldBeEmpty();
        await SetAsync("default_transaction_read_only = off");
        (await CommitAsync(store, lease, 1)).Outcome.ShouldBe(CommitOutcome.Committed);

        await postgres.AskAsync(
            $"""
            CREATE FUNCTION "{schema}".no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no space left on device' USING ERRCODE = 'disk_full'; END $$;
            CREATE TRIGGER no_room BEFORE INSERT ON "{schema}".history EXECUTE FUNCTION "{schema}".no_room();
            """);
        answer = await CommitAsync(store, lease, 2);
        answer.Outcome.ShouldBe(CommitOutcome.NotNow);
        answer.Reason.ShouldNotBeNull().ShouldStartWith("PRD8004");
        await postgres.AskAsync($"DROP TRIGGER no_room ON \"{schema}\".history");
        (await CommitAsync(store, lease, 2)).Outcome.ShouldBe(CommitOutcome.Committed);
        (await store.CountAsync(new FlowFilter(), default)).ShouldBe(2);
    }

    [Fact]
    public async Task A_deadlock_or_a_serialization_error_is_no_unknown_outcome()
    {
        string schema = OnePostgres.NewSchema();
        await using PostgresStore store = postgres.Store(schema);
        await store.OpenAsync(2, default);
        IReadOnlyList<ShardLease> leases = await store.TakeShardsAsync([0, 1], Guid.NewGuid(), default);
        await using var other = new NpgsqlConnection(postgres.Server.ConnectionString + ";Pooling=false");
        await other.OpenAsync();
        await DoAsync(other, "SET deadlock_timeout = '1min'"); // ours finds the deadlock
        await DoAsync(other, $"BEGIN; UPDATE \"{schema}\".shard SET time = time WHERE shard = 1");
        Task<IReadOnlyList<CommitAnswer>> committing = store.CommitAsync([.. leases.Select(lease => Batch(lease, 1))], default);
        await WaitForLockAsync();
        Task locking = DoAsync(other, $"UPDATE \"{schema}\".shard SET time = time WHERE shard = 0");
        (await committing.WaitAsync(Limit)).ShouldAllBe(answer => answer.Outcome == CommitOutcome.NotNow && answer.Reason!.Contains("deadlock"));
        await locking;
        await DoAsync(other, "COMMIT");

        await SetAsync("default_transaction_isolation = 'repeatable read'");
        await DoAsync(other, $"BEGIN; UPDATE \"{schema}\".shard SET time = time WHERE shard = 1");
        committing = store.CommitAsync([.. leases.Select(lease => Batch(lease, 1))], default);
        await WaitForLockAsync();
        await DoAsync(other, "COMMIT");
        (await committing.WaitAsync(Limit)).ShouldAllBe(answer => answer.Outcome == CommitOutcome.NotNow && answer.Reason!.Contains("serialize"));
        await SetAsync("default_transaction_isolation = 'read committed'");
        (await store.CommitAsync([.. leases.Select(lease => Batch(lease, 1))], default)).ShouldAllBe(answer => answer.Outcome == CommitOutcome.Committed);
    }

    [Fact]
    public async Task A_batch_that_waits_while_somebody_takes_its_shard_is_fenced()
    {
        string schema = OnePostgres.NewSchema();
        await using PostgresStore store = postgres.Store(schema);
        await store.OpenAsync(2, default);
        IReadOnlyList<ShardLease> leases = await store.TakeShardsAsync([0, 1], Guid.NewGuid(), default);
        await using var other = new NpgsqlConnection(postgres.Server.ConnectionString + ";Pooling=false");
        await other.OpenAsync();
        await DoAsync(other, $"BEGIN; UPDATE \"{schema}\".shard SET epoch = epoch + 1 WHERE shard = 1");
        Task<IReadOnlyList<CommitAnswer>> committing = store.CommitAsync([.. leases.Select(lease => Batch(lease, 1))], default);
        await WaitForLockAsync();
        await DoAsync(other, "COMMIT");
        (await committing.WaitAsync(Limit)).Select(answer => answer.Outcome).ShouldBe([CommitOutcome.NotNow, CommitOutcome.Fenced]);
        (await store.CountAsync(new FlowFilter(), default)).ShouldBe(0);
    }

    [Fact]
    public async Task A_server_without_a_free_connection_takes_nothing_until_there_is_one()
    {
        string schema = OnePostgres.NewSchema();
        await postgres.AskAsync("CREATE ROLE few LOGIN CONNECTION LIMIT 2; GRANT CREATE ON DATABASE postgres TO few");
        string connectionString = new NpgsqlConnectionStringBuilder(postgres.Server.ConnectionString) { Username = "few" }.ConnectionString;
        await using PostgresStore store = new(connectionString, new PostgresStoreOptions { Schema = schema });
        await store.OpenAsync(2, default);
        ShardLease lease = (await store.TakeShardsAsync([0], Guid.NewGuid(), default))[0];
        await postgres.AskAsync("SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE usename = 'few'");
        await Should.ThrowAsync<StoreException>(() => CommitAsync(store, lease, 1));

        List<NpgsqlConnection> others = [new(connectionString + ";Pooling=false"), new(connectionString + ";Pooling=false")];
        foreach (NpgsqlConnection other in others)
        {
            await other.OpenAsync();
        }

        CommitAnswer answer = await CommitAsync(store, lease, 1);
        answer.Outcome.ShouldBe(CommitOutcome.NotNow);
        answer.Reason.ShouldNotBeNull().ShouldContain("too many connections");
        (await Should.ThrowAsync<StoreException>(() => store.ReadInboxAsync(0, default))).Code.ShouldBe("PRD8001");

        others.ForEach(other => other.Dispose());
        await UntilAsync("SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = 'few'");
        (await CommitAsync(store, lease, 1)).Outcome.ShouldBe(CommitOutcome.Committed);
        (await store.ReadInboxAsync(0, default)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Reads_do_not_notice_that_the_server_was_restarted()
    {
        await using PostgresStore store = await OpenAsync();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => store.ReadInboxAsync(0, default)));
        await postgres.Server.StopAsync();
        await postgres.Server.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => store.ReadInboxAsync(0, default)));
    }

    private static async Task<CommitAnswer> CommitAsync(PostgresStore store, ShardLease lease, long number) => (await store.CommitAsync([Batch(lease, number)], default))[0];

    private static ShardBatch Batch(ShardLease lease, long number)
    {
        ShardBatch batch = new(lease, number, Now);
        long run = (lease.Shard * 1_000) + number;
        batch.NewFlows.Add(new FlowRow(run, lease.Shard, new FlowKey("Order", $"{run}"), 1, Now) { State = new FlowState(FlowStatus.Completed, null, Now) });
        batch.History.Add(new HistoryRow(run, 0, Now, InputKind.Started));
        return batch;
    }

    private static async Task DoAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private async Task<PostgresStore> OpenAsync()
    {
        PostgresStore store = postgres.Store(OnePostgres.NewSchema());
        await store.OpenAsync(Writers * 2, default);
        return store;
    }

    /// <summary>Lets writers commit while something happens, then compares what is there with what they were told.</summary>
    private static async Task<List<Writer>> WriteAsync(PostgresStore store, Func<Task> serverIsUp, Func<Func<int, Task>, Task> happenAsync)
    {
        using CancellationTokenSource stop = new();
        List<Writer> writers = [.. Enumerable.Range(0, Writers).Select(i => new Writer(store, i * 2))];
        Task[] running = [.. writers.Select(writer => Task.Run(() => writer.RunAsync(serverIsUp, stop.Token)))];
        await happenAsync(MoreAsync).WaitAsync(Limit);
        await MoreAsync(5); // it goes on
        await stop.CancelAsync();
        await Task.WhenAll(running).WaitAsync(Limit);
        foreach (Writer writer in writers)
        {
            await writer.CheckAsync();
        }

        return writers;

        // Waits until each writer has committed so many more; one that has failed says why.
        async Task MoreAsync(int commits)
        {
            writers.ForEach(writer => writer.Forget());
            for (int i = 0; i < Writers * commits; i++)
            {
                await await Task.WhenAny([writers[i % Writers].MoreAsync(), .. running]);
            }
        }
    }

    private async Task SetAsync(string setting)
    {
        await postgres.AskAsync($"ALTER SYSTEM SET {setting}");
        DateTime before = DateTime.Parse((await postgres.AskAsync("SELECT pg_conf_load_time()::text"))!, System.Globalization.CultureInfo.InvariantCulture);
        await postgres.AskAsync("SELECT pg_reload_conf()");
        await UntilAsync($"SELECT pg_conf_load_time() > '{before:yyyy-MM-dd HH:mm:ss.ffffff}'");
    }

    private Task WaitForLockAsync() => UntilAsync("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted");

    private async Task UntilAsync(string sql)
    {
        using CancellationTokenSource limit = new(Limit);
        while (await postgres.AskAsync(sql) != "True")
        {
            limit.Token.ThrowIfCancellationRequested();
        }
    }
}
