using Npgsql;
using Perdure.Shared;
using Perdure.Storage;

namespace Perdure.Postgres.Tests;

/// <summary>How the store's tables come to be, who may make them, and what people see in them.</summary>
public sealed class SchemaTests(OnePostgres postgres) : IClassFixture<OnePostgres>
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Stores_with_different_schemas_share_a_database_and_know_nothing_of_each_other()
    {
        await using PostgresStore one = postgres.Store("One \"quoted\"; 'name'");
        await using PostgresStore other = postgres.Store(OnePostgres.NewSchema());
        StoreInfo oneInfo = await one.OpenAsync(2, default);
        StoreInfo otherInfo = await other.OpenAsync(3, default);
        (oneInfo.ShardCount, otherInfo.ShardCount).ShouldBe((2, 3));
        oneInfo.StoreId.ShouldNotBe(otherInfo.StoreId);
        await FillAsync(one);
        (await one.CountAsync(new FlowFilter(), default)).ShouldBe(1);
        (await other.CountAsync(new FlowFilter(), default)).ShouldBe(0);
    }

    [Fact]
    public async Task Many_that_open_a_new_store_at_once_make_it_once()
    {
        string schema = OnePostgres.NewSchema();
        StoreInfo[] infos = await Task.WhenAll(Enumerable.Range(1, 6).Select(async shards =>
        {
            await using PostgresStore store = postgres.Store(schema);
            return await store.OpenAsync(shards, default);
        }));
        infos.Distinct().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task A_schema_of_a_newer_version_is_refused()
    {
        string schema = OnePostgres.NewSchema();
        await using PostgresStore store = postgres.Store(schema);
        await store.OpenAsync(2, default);
        await postgres.AskAsync($"UPDATE \"{schema}\".meta SET value = '{PostgresSchema.Newest + 1}' WHERE name = 'schema_version'");
        await using PostgresStore again = postgres.Store(schema);
        (await Should.ThrowAsync<StoreException>(() => again.OpenAsync(2, default))).Code.ShouldBe("PRD5004");
    }

    [Fact]
    public async Task A_program_that_may_not_make_tables_runs_on_those_that_the_script_made()
    {
        string schema = OnePostgres.NewSchema();
        await postgres.AskAsync("CREATE ROLE program LOGIN");
        string connectionString = new NpgsqlConnectionStringBuilder(postgres.Server.ConnectionString) { Username = "program" }.ConnectionString;
        await using PostgresStore checking = new(connectionString, new PostgresStoreOptions { Schema = schema, Migrate = false });
        await using PostgresStore migrating = new(connectionString, new PostgresStoreOptions { Schema = schema });
        (await Should.ThrowAsync<StoreException>(() => checking.OpenAsync(2, default))).Message.ShouldContain("PostgresSchema.Script");
        (await Should.ThrowAsync<StoreException>(() => migrating.OpenAsync(2, default))).Code.ShouldBe("PRD8003");

        await using (var connection = new NpgsqlConnection(postgres.Server.ConnectionString))
        {
            await connection.OpenAsync();
            string script = PostgresSchema.Script(schema) + $"GRANT USAGE ON SCHEMA \"{schema}\" TO program; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA \"{schema}\" TO program;";
            await using var command = new NpgsqlCommand(script, connection);
            await command.ExecuteNonQueryAsync();
        }

        (await checking.OpenAsync(2, default)).ShardCount.ShouldBe(2);
        await migrating.OpenAsync(2, default);
        await FillAsync(checking);
        (await migrating.ReadFlowsAsync([new FlowKey("Order", "f1")], FlowParts.All, default)).Single().ShouldNotBeNull().History.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_server_that_is_not_there_or_a_database_that_does_not_fit_is_said_so_at_the_start()
    {
        await using PostgresStore nowhere = new("Host=127.0.0.1;Port=1;Database=x;Username=x");
        (await Should.ThrowAsync<StoreException>(() => nowhere.OpenAsync(2, default))).Code.ShouldBe("PRD8001");
        await using PostgresStore nobody = new(new NpgsqlConnectionStringBuilder(postgres.Server.ConnectionString) { Username = "nobody" }.ConnectionString);
        (await Should.ThrowAsync<StoreException>(() => nobody.OpenAsync(2, default))).Message.ShouldContain("does not exist");
        await postgres.AskAsync("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
        await using PostgresStore latin = new(new NpgsqlConnectionStringBuilder(postgres.Server.ConnectionString) { Database = "latin" }.ConnectionString);
        (await Should.ThrowAsync<StoreException>(() => latin.OpenAsync(2, default))).Code.ShouldBe("PRD8002");
        Should.Throw<PerdureException>(() => new PostgresStore("Host=x", new PostgresStoreOptions { Readers = 0 })).Code.ShouldBe("PRD4004");
        Should.Throw<PerdureException>(() => new PostgresStore("Host=x", new PostgresStoreOptions { Schema = new string('x', 64) })).Code.ShouldBe("PRD4004");
    }

    [Fact]
    public async Task A_commit_is_on_disk_whatever_the_servers_default_and_the_store_says_what_the_server_does()
    {
        await postgres.AskAsync("CREATE DATABASE hasty");
        await postgres.AskAsync("ALTER DATABASE hasty SET synchronous_commit = off");
        string connectionString = new NpgsqlConnectionStringBuilder(postgres.Server.ConnectionString) { Database = "hasty" }.ConnectionString;
        await using PostgresStore store = new(connectionString);
        (await store.OpenAsync(2, default)).Durability.ShouldBe("synced before each answer");
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            """
            CREATE TABLE seen (setting text);
            CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
            CREATE TRIGGER see AFTER UPDATE ON perdure.shard EXECUTE FUNCTION see();
            """,
            connection);
        await command.ExecuteNonQueryAsync();
        await FillAsync(store);
        command.CommandText = "SELECT string_agg(DISTINCT setting, ' ') || ' then ' || current_setting('synchronous_commit') FROM seen";
        (await command.ExecuteScalarAsync()).ShouldBe("on then off");
    }

    [Fact]
    public async Task A_server_that_does_not_sync_is_told_apart()
    {
        await using PostgresServer careless = await PostgresServer.StartNewAsync();
        await careless.StopAsync();
        careless.Settings["fsync"] = "off";
        await careless.StartAsync();
        await using PostgresStore store = new(careless.ConnectionString);
        (await store.OpenAsync(2, default)).Durability.ShouldStartWith("NOT durable");
    }

    [Fact]
    public async Task People_can_read_everything_while_the_store_is_open()
    {
        string schema = OnePostgres.NewSchema();
        await using PostgresStore store = postgres.Store(schema);
        await store.OpenAsync(2, default);
        await FillAsync(store);
        (await AskAsync("concat_ws(' ', type, id, status, extract(epoch FROM created_at)::bigint, wake_at)", "flows")).ShouldBe("Order f1 running 1767225600 now");
        (await AskAsync("concat_ws(' ', id, kind, position, payload, asks)", "steps")).ShouldBe("f1 started 0 {\"n\":1} S pay");
        (await AskAsync("concat_ws(' ', number, queue, priority, payload, more)", "jobs")).ShouldBe("1 mail 2 {} \\377");
        (await AskAsync("concat_ws(' ', number, status, result, payload IS NULL)", "job_ends")).ShouldBe("2 failed [1] t");
        (await AskAsync("concat_ws(' ', topic, position, fate, data)", "events")).ShouldBe("orders 1 held {\"e\":1}");
        (await AskAsync("concat_ws(' ', topic, position, subscription, status)", "deliveries")).ShouldBe("orders 1 billing completed");
        (await AskAsync("concat_ws(' ', type, key, flow_type, flow_id, ask)", "event_waits")).ShouldBe("Paid 7 Order f1 3");
        (await AskAsync("concat_ws(' ', shard, held, batch)", "shards")).ShouldBe("0 t 1");

        Task<string?> AskAsync(string columns, string view) => postgres.AskAsync($"SELECT {columns} FROM \"{schema}\".{view}");
    }

    [Fact]
    public async Task A_text_that_PostgreSQL_does_not_take_is_refused_alone()
    {
        await using PostgresStore store = postgres.Store(OnePostgres.NewSchema());
        await store.OpenAsync(2, default);
        IReadOnlyList<ShardLease> leases = await store.TakeShardsAsync([0, 1], Guid.NewGuid(), default);
        string long_ = string.Concat(Enumerable.Range(0, 900).Select(i => $"{i * 7919L * 104729 % 1_000_003:x}"));
        foreach (string id in new[] { "zero\0byte", "half a character \ud800", long_ })
        {
            ShardBatch good = new(leases[0], 1, Now);
            ShardBatch bad = new(leases[1], 1, Now);
            bad.NewFlows.Add(new FlowRow(1, 1, new FlowKey("Order", id), 1, Now));
            IReadOnlyList<CommitAnswer> answers = await store.CommitAsync([good, bad], default);
            answers.Select(answer => answer.Outcome).ShouldBe([CommitOutcome.NotNow, CommitOutcome.Refused], answers[1].Reason);
            (await store.CommitAsync([bad], default)).Single().Outcome.ShouldBe(CommitOutcome.Refused);
        }

        (await store.CommitAsync([new ShardBatch(leases[0], 1, Now), new ShardBatch(leases[1], 1, Now)], default)).ShouldAllBe(answer => answer.Outcome == CommitOutcome.Committed);
    }

    [Fact]
    public async Task Ids_of_events_may_be_of_any_length()
    {
        await using PostgresStore store = postgres.Store(OnePostgres.NewSchema());
        await store.OpenAsync(2, default);
        ShardLease lease = (await store.TakeShardsAsync([0], Guid.NewGuid(), default))[0];
        string id = @"C:\x5c" + string.Concat(Enumerable.Range(0, 9_000).Select(i => $"{i * 7919L * 104729 % 1_000_003:x}"));
        ShardBatch batch = new(lease, 1, Now);
        batch.NewEvents.Add(new EventRow(0, "orders", 1, id, "Paid", Now) { Source = id, Correlation = id });
        batch.NewFlows.Add(new FlowRow(1, 0, new FlowKey("Order", "f1"), 1, Now) { Correlation = id });
        batch.JobEnds.Add(new JobEndRow(1, 0, "mail", "Send", JobStatus.Completed, Now, Now, Now) { Correlation = id });
        (await store.CommitAsync([batch], default))[0].Outcome.ShouldBe(CommitOutcome.Committed);
        (await store.ListEventsAsync(new EventFilter { Id = id }, default).ToListAsync()).Single().Source.ShouldBe(id);
        (await store.ListEventsAsync(new EventFilter { Correlation = id }, default).ToListAsync()).Count.ShouldBe(1);
        (await store.ListAsync(new FlowFilter { Correlation = id }, default).ToListAsync()).Count.ShouldBe(1);
        (await store.ListJobEndsAsync(new JobFilter { Correlation = id }, default).ToListAsync()).Count.ShouldBe(1);
    }

    private static async Task FillAsync(PostgresStore store)
    {
        ShardLease lease = (await store.TakeShardsAsync([0], Guid.NewGuid(), default))[0];
        ShardBatch batch = new(lease, lease.Batch + 1, Now);
        batch.NewFlows.Add(new FlowRow(1, 0, new FlowKey("Order", "f1"), 1, Now) { State = new FlowState(FlowStatus.Running, FlowRow.Busy) });
        batch.History.Add(new HistoryRow(1, 0, Now, InputKind.Started) { Payload = "{\"n\":1}"u8.ToArray(), Asks = "S pay" });
        batch.NewJobs.Add(new JobRow(1, 0, "mail", "Send", Now) { Payload = "{}"u8.ToArray(), State = new JobState(2, More: [255]) });
        batch.JobEnds.Add(new JobEndRow(2, 0, "mail", "Send", JobStatus.Failed, Now, Now, Now) { Result = "[1]"u8.ToArray() });
        batch.NewEvents.Add(new EventRow(0, "orders", 1, "e1", "Paid", Now) { Data = "{\"e\":1}"u8.ToArray(), State = new EventState(EventFate.Held, Now) });
        batch.Deliveries.Add(new DeliveryRow("orders", 1, "billing", 0, Now, Now) { Status = JobStatus.Completed });
        batch.EventWaits.Add(new EventWaitRow(new ParentRef(new FlowKey("Order", "f1"), 3), "Paid", "7", Now));
        (await store.CommitAsync([batch], default))[0].Outcome.ShouldBe(CommitOutcome.Committed);
    }
}
