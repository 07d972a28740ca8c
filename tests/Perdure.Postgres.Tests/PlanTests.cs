using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using Perdure.Shared;
using Perdure.Storage;

namespace Perdure.Postgres.Tests;

/// <summary>How the server finds what is asked for: it writes down the plan of every statement that the store sends.</summary>
public sealed partial class PlanTests(OnePostgres postgres) : IClassFixture<OnePostgres>
{
    private const string WritePlans =
        "-c session_preload_libraries=auto_explain -c auto_explain.log_min_duration=0 -c auto_explain.log_analyze=on -c auto_explain.log_timing=off -c log_min_messages=log";

    private const int PassedOverMax = 1_500;

    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly int Rows = Environment.GetEnvironmentVariable("PERDURE_LONG") is null ? 50_000 : 1_000_000;

    [Fact]
    public async Task Hot_statements_find_their_rows_by_an_index_whether_the_tables_were_empty_when_they_were_prepared_or_full()
    {
        string schema = OnePostgres.NewSchema();
        string connectionString = new NpgsqlConnectionStringBuilder(postgres.Server.ConnectionString) { Options = WritePlans }.ConnectionString;
        await using PostgresStore store = new(connectionString, new PostgresStoreOptions { Schema = schema, Readers = 1 });
        await store.OpenAsync(4, default);
        ShardLease lease = (await store.TakeShardsAsync([0], Guid.NewGuid(), default))[0];
        long number = 0;
        for (int i = 0; i < 8; i++)
        {
            await UseAllAsync(store, lease, ++number);
        }

        await FillAsync(schema);
        int before = postgres.Server.Log.Count;
        await UseAllAsync(store, lease, ++number);
        await CheckPlansAsync(before);

        await using PostgresStore fresh = new(connectionString, new PostgresStoreOptions { Schema = schema, Readers = 1 });
        await fresh.OpenAsync(4, default);
        before = postgres.Server.Log.Count;
        await UseAllAsync(fresh, lease, ++number);
        await CheckPlansAsync(before);
    }

    [Fact]
    public async Task Lists_find_unusual_rows_and_the_newest_ones_without_reading_the_others()
    {
        string schema = OnePostgres.NewSchema();
        string connectionString = new NpgsqlConnectionStringBuilder(postgres.Server.ConnectionString) { Options = WritePlans }.ConnectionString;
        await using PostgresStore store = new(connectionString, new PostgresStoreOptions { Schema = schema });
        await store.OpenAsync(4, default);
        await store.TakeShardsAsync([0, 1, 2, 3], Guid.NewGuid(), default);
        await FillAsync(schema);
        int before = postgres.Server.Log.Count;
        foreach (FlowFilter filter in new FlowFilter[] { new() { Limit = 50 }, new() { Statuses = [FlowStatus.Stuck, FlowStatus.Failed], Limit = 50 }, new() { Correlation = "c7" } })
        {
            (await store.ListAsync(filter, default).ToListAsync()).ShouldNotBeEmpty();
        }

        (await store.CountAsync(new FlowFilter { Statuses = [FlowStatus.Stuck] }, default)).ShouldBeGreaterThan(0);
        foreach (JobFilter filter in new JobFilter[] { new() { Limit = 50 }, new() { Queue = "q1", Status = JobStatus.Failed, Limit = 50 }, new() { Correlation = "c7" } })
        {
            (await store.ListJobEndsAsync(filter, default).ToListAsync()).ShouldNotBeEmpty();
        }

        (await store.ListJobsAsync(new JobFilter { Limit = 50 }, default).ToListAsync()).Count.ShouldBe(50);
        foreach (EventFilter filter in new EventFilter[]
        {
            new() { Limit = 50 }, new() { Topic = "t1", Limit = 50 }, new() { Topic = "t1", Id = "e5" }, new() { Id = "e5" }, new() { Fates = [EventFate.Unclaimed], Limit = 50 },
            new() { Correlation = "c7" }, new() { PublishedFrom = Now.AddSeconds(100), PublishedBefore = Now.AddSeconds(200), Limit = 50 },
        })
        {
            (await store.ListEventsAsync(filter, default).ToListAsync()).ShouldNotBeEmpty(filter.ToString());
        }

        await CheckPlansAsync(before);
    }

    /// <summary>Calls everything that the engine calls while it runs.</summary>
    private static async Task UseAllAsync(PostgresStore store, ShardLease lease, long number)
    {
        long id = 10_000_000 + number;
        ShardBatch batch = new(lease, number, Now) { Suspect = new Suspect(1, 1, 1) };
        batch.NewFlows.Add(new FlowRow(id, 0, new FlowKey("Order", $"{id}"), 1, Now));
        batch.Updates.Add(new FlowUpdate(id, new FlowState(FlowStatus.Running, FlowRow.Busy)));
        batch.History.Add(new HistoryRow(id, 0, Now, InputKind.Started));
        batch.Decided.Add(new HistoryRow(id, 0, Now, InputKind.Started) { Asks = "" });
        batch.Backoffs.Add(new BackoffRow(id, 0, 1, Now, Now, []));
        batch.EndedBackoffs.Add((id, 0));
        batch.Sent.Add(new InboxRow(0, $"{id}", MessageKind.Cancel, new FlowKey("Order", "x")));
        batch.Received.Add($"{id}");
        batch.NewJobs.Add(new JobRow(id, 0, "mail", "Send", Now));
        batch.JobUpdates.Add(new JobUpdate(id, new JobState(1)));
        batch.JobEnds.Add(new JobEndRow(id, 0, "mail", "Send", JobStatus.Completed, Now, Now, Now) { KeepsPayload = true });
        batch.EndedJobs.Add(id);
        batch.ForgottenJobs.Add(id);
        batch.Memos.AddRange([new MemoRow("a", []), new MemoRow("b", null)]);
        batch.NewEvents.Add(new EventRow(0, "orders", id, $"{id}", "Paid", Now));
        batch.EventUpdates.Add(new EventUpdate("orders", id, new EventState(EventFate.Taken)));
        batch.Deliveries.Add(new DeliveryRow("orders", id, "s", 0, Now, Now));
        batch.EventWaits.Add(new EventWaitRow(new ParentRef(new FlowKey("Order", "x"), 1), "Paid", "", Now));
        batch.EndedEventWaits.Add(new ParentRef(new FlowKey("Order", "x"), 1));
        batch.ForgottenEvents.Add(new ForgottenEvents("orders", id));
        (await store.CommitAsync([batch], default))[0].ShouldBe(CommitAnswer.Committed);

        FlowKey[] keys = [new FlowKey("Order", $"{id}"), new FlowKey("type", "5")];
        foreach (FlowParts parts in Enum.GetValues<FlowParts>())
        {
            (await store.ReadFlowsAsync(keys, parts, default))[0].ShouldNotBeNull();
        }

        await store.ReadWakingAsync(0, null, Now, 10, default);
        await store.ReadWakingAsync(0, new WakingFlow(Now, 1, keys[0]), Now, 10, default);
        await store.ReadInboxAsync(0, default);
        await store.ReadJobsAsync(0, 0, 10, default);
        await store.ReadPayloadsAsync(0, [1, 2], default);
        await store.ReadJobEndsAsync(0, [1, 2], default);
        await store.ReadForgettableAsync(0, Now, 10, default);
        await store.ReadMemosAsync(0, default);
        await store.ReadTopicsAsync(0, default);
        await store.ReadEventsAsync(0, "t0", 0, 10, default);
        await store.ReadDeliveriesAsync(0, "t0", 1, 10, default);
        await store.ReadEventWaitsAsync(0, default);
    }

    private async Task FillAsync(string schema)
    {
        string rows = Rows.ToString(CultureInfo.InvariantCulture);
        await postgres.AskAsync(
            $"""
            SET search_path = "{schema}";
            INSERT INTO flow (run, shard, version, type, id, created_at, wake_at, status, correlation)
                SELECT n, n % 4, 1, 'type', n, '2026-01-01', CASE n % 5 WHEN 0 THEN '2027-01-01'::timestamptz END, CASE n % 5 WHEN 0 THEN 0 ELSE CASE n % 1000 WHEN 1 THEN 2 WHEN 2 THEN 4 ELSE 3 END END,
                       CASE n % 9 WHEN 0 THEN 'c' || n % 1000 END FROM generate_series(1, {rows}) n;
            INSERT INTO history (run, shard, position, at, ask, attempts, kind) SELECT n / 4, n / 4 % 4, n % 4, now(), 0, 0, 0 FROM generate_series(1, {rows}) n;
            INSERT INTO job (number, shard, priority, created_at, attempts, queue, type) SELECT n, n % 2, 0, now(), 0, 'q' || n % 20, 'type' FROM generate_series(1, {rows}) n;
            INSERT INTO job_end (number, shard, priority, created_at, ended_at, keep_until, attempts, status, queue, type, correlation)
                SELECT n, n % 2, 0, now(), now(), now(), 0, CASE n % 1000 WHEN 1 THEN 4 ELSE 3 END, 'q' || n % 20, 'type', CASE n % 9 WHEN 0 THEN 'c' || n % 1000 END FROM generate_series(1, {rows}) n;
            INSERT INTO event (position, shard, published_at, time, fate, topic, id, type, source, correlation, data)
                SELECT n / 20, n % 20 % 4, '2026-01-01'::timestamptz + n * interval '10 ms', now(), CASE n % 1000 WHEN 1 THEN 3 ELSE 0 END, 't' || n % 20, 'e' || n / 20, 'type', 's', 'c' || n % 5000, '' FROM generate_series(1, {rows}) n;
            INSERT INTO delivery (position, shard, generation, started_at, ended_at, attempts, status, topic, subscription)
                SELECT n / 20, n % 20 % 4, 0, now(), now(), 0, 3, 't' || n % 20, 's' FROM generate_series(1, {rows}) n;
            INSERT INTO backoff (run, shard, ask, attempts, started_at, next_at, last_error) SELECT n, n % 4, 0, 1, now(), now(), '' FROM generate_series(1, {rows} / 10) n;
            INSERT INTO inbox (shard, id, kind, to_type, to_id) SELECT n % 4 + 1, n, 0, '', '' FROM generate_series(1, {rows} / 10) n;
            INSERT INTO event_wait (shard, ask, since, flow_type, flow_id, type, key) SELECT n % 4 + 1, 0, now(), 'type', n, '', '' FROM generate_series(1, {rows} / 10) n;
            ANALYZE;
            """);
    }

    /// <summary>No plan reads a whole table, and none walks an index past many rows that it does not want.</summary>
    private async Task CheckPlansAsync(int before)
    {
        string end = $"end of plans {Guid.NewGuid()}";
        await postgres.AskAsync($"DO $$ BEGIN RAISE LOG '{end}'; END $$");
        await postgres.Server.HasSaidAsync(end).WaitAsync(TimeSpan.FromMinutes(1));
        List<string> log = [.. postgres.Server.Log.Skip(before)];
        log.Count(line => line.Contains("Query Text:", StringComparison.Ordinal)).ShouldBeGreaterThan(10, "the server wrote no plans down");
        log.Where(line => WholeTable().IsMatch(line)).ShouldBeEmpty();
        log.Where(line => PassedOver().Match(line) is { Success: true } match && int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) > PassedOverMax).ShouldBeEmpty();
    }

    [GeneratedRegex(@"Seq Scan on (flow|history|backoff|inbox|job|job_end|event|delivery|event_wait)\b")]
    private static partial Regex WholeTable();

    [GeneratedRegex(@"Rows Removed by (?:Filter|Join Filter|Index Recheck): (\d+)")]
    private static partial Regex PassedOver();
}
