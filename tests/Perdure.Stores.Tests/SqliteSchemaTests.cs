using Perdure.Sqlite;
using Perdure.Sqlite.Native;
using Perdure.Storage;

namespace Perdure.Stores.Tests;

/// <summary>The SQLite store's tables: how they come to be, what people see in them, and how questions find their answers.</summary>
public sealed class SqliteSchemaTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.File("flows.db");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_file_of_version_1_is_migrated_and_keeps_what_it_holds()
    {
        MakeVersion1();
        await using SqliteStore store = new(Path);
        StoreInfo info = await store.OpenAsync(shardCount: 9, default);
        info.ShouldBe(new StoreInfo(Guid.Parse("00112233445566778899aabbccddeeff"), 2, info.Durability));
        Query("SELECT value FROM meta WHERE name = 'schema_version'").ShouldBe("4");

        IReadOnlyList<ShardLease> leases = await store.TakeShardsAsync([0, 2], Guid.NewGuid(), default);
        leases.Select(lease => (lease.Shard, lease.Epoch, lease.Batch)).ShouldBe([(0, 4, 17), (2, 1, 0)]);
        StoredFlow flow = (await store.ReadFlowsAsync([new FlowKey("Order", "old")], FlowParts.All, default))[0].ShouldNotBeNull();
        flow.History.Single().Payload.ShouldBe([7]);

        ShardBatch batch = new(leases[1], 1, Now);
        batch.NewJobs.Add(new JobRow(1, 2, "mail", "Send", Now));
        (await store.CommitAsync([batch], default))[0].Outcome.ShouldBe(CommitOutcome.Committed);
        (await store.ReadJobsAsync(2, 0, 10, default)).Single().Queue.ShouldBe("mail");
    }

    [Fact]
    public async Task A_file_of_version_2_is_migrated_and_keeps_what_it_holds()
    {
        MakeVersion2();
        await using SqliteStore store = new(Path);
        await store.OpenAsync(shardCount: 9, default);
        Query("SELECT value FROM meta WHERE name = 'schema_version'").ShouldBe("4");
        FlowRow flow = (await store.ReadFlowsAsync([new FlowKey("Order", "old")], FlowParts.Row, default))[0].ShouldNotBeNull().Row;
        (flow.Correlation, flow.Cause).ShouldBe((null, null));
        (await store.ReadJobsAsync(2, 0, 10, default)).Single().Queue.ShouldBe("mail");
        JobEndRow end = (await store.ReadJobEndsAsync(2, [4], default)).Single().ShouldNotBeNull();
        (end.Status, end.KeepsPayload, end.Correlation).ShouldBe((JobStatus.Failed, true, null));
        (await store.ReadPayloadsAsync(2, [4], default)).Single().ShouldBe([9]);
        (await store.ReadMemosAsync(2, default)).Single().Name.ShouldBe("pause");
        (await store.ReadTopicsAsync(2, default)).ShouldBeEmpty();

        ShardBatch batch = new((await store.TakeShardsAsync([2], Guid.NewGuid(), default))[0], 1, Now);
        batch.NewEvents.Add(new EventRow(2, "orders", 1, "e1", "OrderPlaced", Now));
        batch.JobEnds.Add(end with { Correlation = "o1" });
        (await store.CommitAsync([batch], default))[0].Outcome.ShouldBe(CommitOutcome.Committed);
        (await store.ReadTopicsAsync(2, default)).ShouldBe([new TopicRange("orders", 1, 1)]);
        (await store.ReadJobEndsAsync(2, [4], default)).Single().ShouldNotBeNull().Correlation.ShouldBe("o1");
    }

    [Fact]
    public async Task A_file_of_version_3_is_migrated_and_its_jobs_are_found_by_their_numbers()
    {
        MakeVersion3();
        string? jobs = Shown("jobs");
        string? ends = Shown("job_ends");
        await using SqliteStore store = new(Path);
        await store.OpenAsync(shardCount: 9, default);
        Query("SELECT value FROM meta WHERE name = 'schema_version'").ShouldBe("4");
        Shown("jobs").ShouldBe(jobs);
        Shown("job_ends").ShouldBe(ends);

        (await store.ReadJobsAsync(1, 0, 10, default)).Select(job => job.Number).ShouldBe([5]);
        IReadOnlyList<JobRow> rows = await store.ReadJobsAsync(2, 0, 10, default);
        rows.Select(job => (job.Number, job.Shard, job.Queue, job.Type, job.Key)).ShouldBe([(3, 2, "mail", "Send", null), (9, 2, "print", "Page", "k")]);
        rows[1].CreatedAt.ShouldBe(DateTimeOffset.UnixEpoch.AddMicroseconds(2));
        (rows[1].State with { More = null }).ShouldBe(new JobState(-1, DateTimeOffset.UnixEpoch.AddMicroseconds(7), 4));
        rows[1].State.More.ShouldBe("{}"u8.ToArray());
        (await store.ReadPayloadsAsync(2, [9, 4, 3], default)).ShouldBe(new byte[]?[] { new byte[10_000], [9], null });

        (await store.ListJobsAsync(new JobFilter(), default).Select(job => job.Number).ToListAsync()).ShouldBe([9, 5, 3]);
        (await store.ListJobEndsAsync(new JobFilter(), default).Select(end => end.Number).ToListAsync()).ShouldBe([8, 6, 4]);
        (await store.ListJobEndsAsync(new JobFilter { Correlation = "o1" }, default).Select(end => end.Number).ToListAsync()).ShouldBe([8, 6]);
        JobFilter dead = new() { Queue = "mail", Status = JobStatus.Failed };
        (await store.ListJobEndsAsync(dead, default).Select(end => end.Number).ToListAsync()).ShouldBe([4]);
        (await store.ReadForgettableAsync(2, Now, 10, default)).ShouldBe([6, 4]);
        JobEndRow end = (await store.ReadJobEndsAsync(1, [8], default)).Single().ShouldNotBeNull();
        (end with { Result = null, More = null }).ShouldBe(new JobEndRow(
            8, 1, "print", "Page", JobStatus.Cancelled, DateTimeOffset.UnixEpoch.AddMicroseconds(1), DateTimeOffset.UnixEpoch.AddMicroseconds(2), DateTimeOffset.UnixEpoch.AddMicroseconds(3))
        {
            Key = "k",
            Priority = 5,
            Attempts = 6,
            Correlation = "o1",
        });
        end.Result.ShouldBe([1]);
        end.More.ShouldBe([2]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_file_of_an_old_version_and_a_new_one_have_the_same_schema(int version)
    {
        const string schema = "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema ORDER BY name)";
        Action make = version switch { 1 => MakeVersion1, 2 => MakeVersion2, _ => MakeVersion3 };
        make();
        await (await OpenAsync()).DisposeAsync();
        string path = _folder.File("new.db");
        await using (SqliteStore store = new(path))
        {
            await store.OpenAsync(2, default);
        }

        using SqliteConnection connection = new(path, create: false, TimeSpan.FromSeconds(10));
        Query(schema).ShouldBe(connection.QueryText(schema));
    }

    [Fact]
    public async Task A_number_is_one_shards_only()
    {
        await using SqliteStore store = await OpenAsync();
        IReadOnlyList<ShardLease> leases = await TakeAsync(store);
        JobEndRow end = new(2, 0, "mail", "Send", JobStatus.Failed, Now, Now, Now) { Result = [1] };
        ShardBatch batch = new(leases[0], 1, Now);
        batch.NewJobs.Add(new JobRow(1, 0, "mail", "Send", Now));
        batch.JobEnds.Add(end);
        (await store.CommitAsync([batch], default))[0].Outcome.ShouldBe(CommitOutcome.Committed);

        ShardBatch job = new(leases[1], 1, Now);
        job.NewJobs.Add(new JobRow(1, 1, "mail", "Send", Now));
        (await store.CommitAsync([job], default))[0].Outcome.ShouldBe(CommitOutcome.Refused);
        ShardBatch other = new(leases[1], 1, Now);
        other.JobEnds.Add(end with { Shard = 1, Result = [2] });
        CommitAnswer answer = (await store.CommitAsync([other], default))[0];
        answer.Outcome.ShouldBe(CommitOutcome.Refused);
        answer.Reason.ShouldNotBeNull().ShouldContain("another shard has the end of job 2");
        (await store.ReadJobEndsAsync(0, [2], default)).Single().ShouldNotBeNull().Result.ShouldBe([1]);
        (await store.ReadJobEndsAsync(1, [2], default)).ShouldBe([null]);
    }

    [Fact]
    public async Task People_can_read_flows_and_their_steps_while_the_store_is_open()
    {
        await using SqliteStore store = await OpenAsync();
        ShardBatch batch = new((await TakeAsync(store))[0], 1, Now);
        batch.NewFlows.Add(new FlowRow(2, 0, new FlowKey("Order", "f1"), 1, Now) { State = new FlowState(FlowStatus.Running, FlowRow.Busy) });
        batch.History.Add(new HistoryRow(2, 0, Now, InputKind.Started));
        (await store.CommitAsync([batch], default))[0].Outcome.ShouldBe(CommitOutcome.Committed);
        Query("SELECT status || ' ' || created_at || ' ' || wake_at FROM flows").ShouldBe("running 2026-01-01 00:00:00.000 now");
        Query("SELECT id || ' ' || kind || ' ' || at FROM steps").ShouldBe("f1 started 2026-01-01 00:00:00.000");
        Query("SELECT batch FROM shard_progress WHERE shard = 0").ShouldBe("1");
    }

    [Fact]
    public async Task People_can_read_jobs_and_how_they_ended_while_the_store_is_open()
    {
        await using SqliteStore store = await OpenAsync();
        ShardBatch batch = new((await TakeAsync(store))[1], 1, Now);
        batch.NewJobs.Add(new JobRow(7, 1, "mail", "Send", Now) { Payload = "{}"u8.ToArray(), State = new JobState(2, Now.AddHours(1)) });
        batch.JobEnds.Add(new JobEndRow(7, 1, "mail", "Send", JobStatus.Failed, Now, Now.AddSeconds(1), Now.AddDays(1)) { Result = "[1]"u8.ToArray(), KeepsPayload = true });
        batch.Memos.Add(new MemoRow("pause", "true"u8.ToArray()));
        (await store.CommitAsync([batch], default))[0].Outcome.ShouldBe(CommitOutcome.Committed);
        Query("SELECT number || ' ' || queue || ' ' || priority || ' ' || created_at || ' ' || not_before || ' ' || payload FROM jobs").ShouldBe(
            "7 mail 2 2026-01-01 00:00:00.000 2026-01-01 01:00:00.000 {}");
        Query("SELECT number || ' ' || status || ' ' || ended_at || ' ' || keep_until || ' ' || result || ' ' || payload FROM job_ends").ShouldBe(
            "7 failed 2026-01-01 00:00:01.000 2026-01-02 00:00:00.000 [1] {}");
        Query("SELECT name || ' ' || CAST(value AS TEXT) FROM memo").ShouldBe("pause true");
    }

    [Fact]
    public async Task People_can_read_events_and_who_wants_them_while_the_store_is_open()
    {
        await using SqliteStore store = await OpenAsync();
        ShardBatch batch = new((await TakeAsync(store))[1], 1, Now);
        batch.NewFlows.Add(new FlowRow(2, 1, new FlowKey("Order", "f1"), 1, Now) { Correlation = "o1", Cause = "orders/3" });
        batch.History.Add(new HistoryRow(2, 0, Now, InputKind.EventReceived));
        batch.NewEvents.Add(new EventRow(1, "orders", 3, "e3", "OrderPlaced", Now)
        {
            Key = "17",
            Source = "shop",
            Time = Now.AddSeconds(-1),
            Correlation = "o1",
            Data = "{}"u8.ToArray(),
            State = new EventState(EventFate.Held, Now.AddHours(1)),
        });
        batch.Deliveries.Add(new DeliveryRow("orders", 3, "mail", 1, Now, Now.AddSeconds(1)) { Attempts = 2, Status = JobStatus.Failed });
        batch.EventWaits.Add(new EventWaitRow(new ParentRef(new FlowKey("Order", "f1"), 4), "OrderPaid", "17", Now));
        (await store.CommitAsync([batch], default))[0].Outcome.ShouldBe(CommitOutcome.Committed);
        Query("SELECT topic || ' ' || position || ' ' || type || ' ' || key || ' ' || published_at || ' ' || time || ' ' || fate || ' ' || held_until || ' ' || data FROM events").ShouldBe(
            "orders 3 OrderPlaced 17 2026-01-01 00:00:00.000 2025-12-31 23:59:59.000 held 2026-01-01 01:00:00.000 {}");
        Query("SELECT topic || ' ' || position || ' ' || subscription || ' ' || attempts || ' ' || status || ' ' || ended_at FROM deliveries").ShouldBe(
            "orders 3 mail 2 failed 2026-01-01 00:00:01.000");
        Query("SELECT type || ' ' || key || ' ' || flow_id || ' ' || ask || ' ' || since FROM event_waits").ShouldBe("OrderPaid 17 f1 4 2026-01-01 00:00:00.000");
        Query("SELECT id || ' ' || correlation || ' ' || cause FROM flows").ShouldBe("f1 o1 orders/3");
        Query("SELECT kind FROM steps").ShouldBe("event received");
    }

    [Fact]
    public async Task Each_question_has_its_index()
    {
        await using SqliteStore store = await OpenAsync();
        Plan(FlowQuery.List(new FlowFilter { Statuses = [FlowStatus.Stuck, FlowStatus.Failed] }, "run")).ShouldNotContain("SCAN");
        Plan(FlowQuery.List(new FlowFilter { Statuses = [FlowStatus.Stuck] }, "run")).ShouldContain("flow_unusual");
        Plan(FlowQuery.Count(FlowFilter.Open)).ShouldContain("flow_busy");
        Plan(FlowQuery.Count(FlowFilter.Open)).ShouldContain("flow_waiting");
        Plan("SELECT * FROM flow WHERE type = ?1 AND id = ?2").ShouldContain("flow_key");
        string correlated = Plan(FlowQuery.List(FlowFilter.Open with { Correlation = "o1" }, "run"));
        correlated.ShouldContain("flow_correlation (correlation=? AND rowid<?)");
        correlated.ShouldNotContain("TEMP B-TREE");
        Plan(FlowQuery.Count(new FlowFilter { Correlation = "o1" })).ShouldContain("flow_correlation (correlation=?)");
    }

    [Fact]
    public async Task Each_question_about_jobs_is_answered_without_a_scan_or_a_sort()
    {
        await using SqliteStore store = await OpenAsync();
        string byKey = Plan(JobQuery.List(new JobFilter { Queue = "mail", Type = "Send" }));
        byKey.ShouldContain("INTEGER PRIMARY KEY (rowid<?)");
        Plan(JobQuery.ListEnds(new JobFilter { Queue = "mail" })).ShouldBe(byKey.Replace("job", "job_end", StringComparison.Ordinal));
        string deadLetters = Plan(JobQuery.ListEnds(new JobFilter { Queue = "mail", Status = JobStatus.Failed }));
        deadLetters.ShouldContain("job_end_dead (status=? AND queue=? AND rowid<?)");
        string correlated = Plan(JobQuery.ListEnds(new JobFilter { Queue = "mail", Status = JobStatus.Failed, Correlation = "o1" }));
        correlated.ShouldContain("job_end_correlation (correlation=? AND rowid<?)");
        string forgettable = Plan(JobQuery.Forgettable);
        forgettable.ShouldContain("COVERING INDEX job_end_keep (shard=? AND keep_until<?)");
        string page = Plan(JobQuery.Page);
        page.ShouldContain("INTEGER PRIMARY KEY (rowid>?)");
        string end = Plan(JobQuery.End);
        end.ShouldContain("INTEGER PRIMARY KEY (rowid=?)");
        string delete = Plan(JobQuery.Delete);
        delete.ShouldContain("INTEGER PRIMARY KEY (rowid>? AND rowid<?)");
        Plan(JobQuery.Forget).ShouldBe(delete.Replace("job", "job_end", StringComparison.Ordinal));
        foreach (string plan in new[] { byKey, deadLetters, correlated, forgettable, page, end, delete })
        {
            plan.ShouldNotContain("SCAN");
            plan.ShouldNotContain("TEMP B-TREE");
        }
    }

    [Fact]
    public async Task Each_question_about_events_is_answered_without_a_scan_or_a_sort()
    {
        await using SqliteStore store = await OpenAsync();
        string walk = Plan(EventQuery.Walk(new EventFilter { Type = "OrderPlaced", Fates = [EventFate.Taken, EventFate.Held] }, "position"));
        walk.ShouldContain("PRIMARY KEY (shard=? AND topic=? AND position>? AND position<?)");
        string unmatched = Plan(EventQuery.Walk(new EventFilter { Fates = [EventFate.Held, EventFate.Ambiguous] }, "position"));
        unmatched.ShouldContain("event_unmatched (shard=? AND topic=? AND fate=? AND position>? AND position<?)");
        string byId = Plan(EventQuery.Walk(new EventFilter { Id = "e1" }, "published_at, position"));
        byId.ShouldContain("event_id (shard=? AND topic=? AND id=?)");
        new[] { walk, unmatched, byId }.ShouldAllBe(plan => !plan.Contains("SCAN", StringComparison.Ordinal));
        new[] { walk, unmatched }.ShouldAllBe(plan => !plan.Contains("TEMP B-TREE", StringComparison.Ordinal));

        Plan(EventQuery.Correlated(new EventFilter { Topic = "orders", Fates = [EventFate.Held] }, "position")).ShouldContain("event_correlation (correlation=?");
    }

    private static Task<IReadOnlyList<ShardLease>> TakeAsync(SqliteStore store) =>
        store.TakeShardsAsync([0, 1], Guid.NewGuid(), default);

    private async Task<SqliteStore> OpenAsync()
    {
        SqliteStore store = new(Path);
        await store.OpenAsync(2, default);
        return store;
    }

    /// <summary>Makes a file as the first version of the library made it, with a run in it.</summary>
    private void MakeVersion1()
    {
        using SqliteConnection connection = Connect();
        connection.Execute(Script("001_initial.sql"));
        connection.Execute(
            """
            PRAGMA application_id = 0x50726475;
            INSERT INTO meta VALUES ('schema_version', '1'), ('store_id', '00112233445566778899aabbccddeeff'), ('shard_count', '2');
            INSERT INTO shard (shard, epoch, unclean_ends) VALUES (0, 3, 0), (1, 3, 0);
            INSERT INTO progress VALUES (0, '[[17,1],[0,0]]');
            INSERT INTO flow (run, shard, type, id, version, created_at, status, wake_at) VALUES (1, 0, 'Order', 'old', 1, 1, 0, 0);
            INSERT INTO history (run, position, at, kind, ask, attempts, payload) VALUES (1, 0, 1, 0, -1, 0, x'07');
            """);
    }

    /// <summary>Makes a file as the version with queues made it, with jobs in it.</summary>
    private void MakeVersion2()
    {
        MakeVersion1();
        using SqliteConnection connection = Connect();
        connection.Execute(Script("002_jobs.sql"));
        connection.Execute(
            """
            UPDATE meta SET value = '2' WHERE name = 'schema_version';
            INSERT INTO job (shard, number, queue, type, created_at, priority, attempts) VALUES (2, 3, 'mail', 'Send', 1, 0, 0);
            INSERT INTO job_end (shard, number, queue, type, status, created_at, ended_at, keep_until, priority, attempts, payload)
            VALUES (2, 4, 'mail', 'Send', 4, 1, 2, 3, 0, 1, x'09');
            INSERT INTO memo VALUES (2, 'pause', x'01');
            """);
    }

    /// <summary>Makes a file as the version with events made it, with jobs and ends of two shards in it.</summary>
    private void MakeVersion3()
    {
        MakeVersion2();
        using SqliteConnection connection = Connect();
        connection.Execute(Script("003_events.sql"));
        connection.Execute(
            """
            UPDATE meta SET value = '3' WHERE name = 'schema_version';
            INSERT INTO job (shard, number, queue, type, created_at, priority, attempts, key, not_before, more, payload)
            VALUES (2, 9, 'print', 'Page', 2, -1, 4, 'k', 7, CAST('{}' AS BLOB), zeroblob(10000)),
                   (1, 5, 'mail', 'Send', 1, 0, 0, NULL, NULL, NULL, NULL);
            INSERT INTO job_end (shard, number, queue, type, status, created_at, ended_at, keep_until, priority, attempts,
                                 key, result, more, correlation)
            VALUES (2, 6, 'mail', 'Send', 3, 1, 2, 1, 0, 0, NULL, NULL, NULL, 'o1'),
                   (1, 8, 'print', 'Page', 5, 1, 2, 3, 5, 6, 'k', x'01', x'02', 'o1');
            """);
    }

    private static string Script(string name)
    {
        using StreamReader script = new(typeof(SqliteStore).Assembly.GetManifestResourceStream(name)!);
        return script.ReadToEnd();
    }

    private SqliteConnection Connect() => new(Path, create: true, TimeSpan.FromSeconds(10));

    private string? Query(string sql)
    {
        using SqliteConnection connection = Connect();
        return connection.QueryText(sql);
    }

    /// <summary>All that a view of jobs shows.</summary>
    private string? Shown(string view)
    {
        string? columns = Query($"SELECT group_concat('quote(' || name || ')', ' || '' '' || ') FROM pragma_table_info('{view}')");
        return Query($"SELECT group_concat(line, char(10)) FROM (SELECT {columns} AS line FROM {view} ORDER BY number)");
    }

    private string Plan(string sql)
    {
        using SqliteConnection connection = Connect();
        using SqliteStatement plan = connection.Prepare("EXPLAIN QUERY PLAN " + sql);
        List<string> lines = [];
        while (plan.Step())
        {
            lines.Add(plan.Text(3));
        }

        return string.Join('\n', lines);
    }
}
