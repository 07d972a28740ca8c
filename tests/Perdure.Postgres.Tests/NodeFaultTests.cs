using Npgsql;
using Perdure.Postgres.Node;
using Perdure.Shared;

namespace Perdure.Postgres.Tests;

/// <summary>Faults of nodes, of the server and of the way to it, with real processes: nothing is lost, nothing happens twice, and it goes on soon.</summary>
public sealed class NodeFaultTests(OnePostgres one) : IClassFixture<OnePostgres>
{
    private const int Out = 13;
    private const int Taken = 55;
    private const int LostPlace = 56;
    private const string NoneUnclean = ", 0 of them";

    /// <summary>The shards of node b that a transaction has locked.</summary>
    private const string LockedOfB =
        $"""
        SELECT shard FROM "{NodeHost.Schema}".shard WHERE node = (SELECT node FROM "{NodeHost.Schema}".node WHERE name = 'b') AND shard < 12
        EXCEPT
        SELECT shard FROM (SELECT shard FROM "{NodeHost.Schema}".shard FOR NO KEY UPDATE SKIP LOCKED) AS free
        """;

    [Fact]
    public async Task A_node_that_is_killed_is_followed_within_its_lease_and_a_little()
    {
        await using Cluster cluster = await Cluster.StartAsync(one.Server);
        Load load = Load.Begin(cluster);
        await load.MoreAsync(50);

        await cluster.A.KillAsync();
        long killed = TimeProvider.System.GetTimestamp();
        await cluster.UntilAsync("all shards with two", owners => owners.Length == 2 && owners.Sum(o => o.Shards) == 12);
        TimeProvider.System.GetElapsedTime(killed).ShouldBeLessThan(NodeHost.Lease + TimeSpan.FromSeconds(5));

        await load.MoreAsync(50);
        await load.CheckAsync();
        cluster.Said(Taken).ShouldContain(line => !line.Contains(NoneUnclean, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_node_that_hangs_past_its_lease_and_goes_on_harms_nothing_and_joins_anew()
    {
        await using Cluster cluster = await Cluster.StartAsync(one.Server);
        Load load = Load.Begin(cluster);
        await load.MoreAsync(50);

        await cluster.B.FreezeAsync();
        await cluster.UntilAsync("all shards with two", owners => owners.Length == 2 && owners.Sum(o => o.Shards) == 12);
        await load.MoreAsync(50);
        await cluster.B.GoOnAsync();

        await cluster.UntilAsync("even shares", owners => owners.Length == 3 && owners.All(o => o.Shards == 4));
        await load.MoreAsync(50);
        await load.CheckAsync();
        cluster.Said(LostPlace).ShouldHaveSingleItem().ShouldStartWith("b: fail: Perdure[56] PRD5007: b, node ");
    }

    [Fact]
    public async Task A_node_that_hangs_in_the_middle_of_a_commit_does_not_keep_its_shards()
    {
        await using var way = new HoldWay(new NpgsqlConnectionStringBuilder(one.Server.ConnectionString).Port, "SET batch = held.number");
        var throughIt = new NpgsqlConnectionStringBuilder(one.Server.ConnectionString) { Port = way.Port };
        await using Cluster cluster = await Cluster.StartAsync(one.Server, throughIt.ConnectionString);
        Load load = Load.Begin(cluster);
        await load.MoreAsync(50);

        way.Hold();
        await cluster.UntilAsync("a transaction of node b that has written its shards' rows and waits for its end", () => HeldCommits(way));
        await cluster.B.FreezeAsync();
        long frozen = TimeProvider.System.GetTimestamp();
        (await cluster.AskAsync(HeldCommits(way))).ShouldBe(true);
        (await cluster.AskAsync($"SELECT count(*) FROM ({LockedOfB}) AS locked")).ShouldNotBe(0L);
        await cluster.UntilAsync("all shards with two", owners => owners.Length == 2 && owners.Sum(o => o.Shards) == 12);
        await cluster.UntilAsync("rows that can be locked", () => $"SELECT count(*) = 12 FROM (SELECT FROM \"{NodeHost.Schema}\".shard WHERE shard < 12 FOR NO KEY UPDATE) AS free");
        TimeProvider.System.GetElapsedTime(frozen).ShouldBeLessThan(NodeHost.Lease + TimeSpan.FromSeconds(5));

        await load.MoreAsync(50);
        way.Release();
        await cluster.B.GoOnAsync();
        await cluster.UntilAsync("even shares", owners => owners.Length == 3 && owners.All(o => o.Shards == 4));
        await load.MoreAsync(50);
        await load.CheckAsync();
        cluster.Said(LostPlace).ShouldHaveSingleItem().ShouldStartWith("b: fail: Perdure[56] PRD5007: b, node ");
    }

    [Fact]
    public async Task A_node_that_leaves_hands_its_shards_over_while_its_flows_run()
    {
        await using Cluster cluster = await Cluster.StartAsync(one.Server);
        Load load = Load.Begin(cluster);
        await load.MoreAsync(50);

        await cluster.A.StopAsync();
        await cluster.UntilAsync("all shards with two", owners => owners.Length == 2 && owners.Sum(o => o.Shards) == 12);
        await load.MoreAsync(50);
        await load.CheckAsync();
        ((long)(await cluster.AskAsync($"SELECT sum(unclean_ends) FROM \"{NodeHost.Schema}\".shard WHERE shard < 12"))!).ShouldBe(0);
        cluster.Said(Taken).ShouldAllBe(line => line.Contains(NoneUnclean, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Backends_that_are_terminated_in_the_middle_of_commits_lose_nothing()
    {
        await using Cluster cluster = await Cluster.StartAsync(one.Server);
        Load load = Load.Begin(cluster);
        await load.MoreAsync(50);

        for (int i = 0; i < 20; i++)
        {
            await cluster.AskAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'perdure %' ORDER BY random() LIMIT 1");
            await load.MoreAsync(2);
        }

        await load.MoreAsync(50);
        await load.CheckAsync();
        cluster.Outages().ShouldContain(outages => outages.Contains("PRD800", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_server_that_refuses_to_write_for_a_while_is_waited_for()
    {
        await using Cluster cluster = await Cluster.StartAsync(one.Server);
        Load load = Load.Begin(cluster);
        await load.MoreAsync(50);

        await cluster.SetAsync("default_transaction_read_only = on");
        await cluster.UntilAllSayAsync("read-only");
        await using (NpgsqlConnection connection = await cluster.Look.OpenConnectionAsync())
        {
            await using NpgsqlCommand writable = new("SET default_transaction_read_only = off", connection);
            await writable.ExecuteNonQueryAsync();
            await using NpgsqlCommand reset = new("ALTER SYSTEM RESET default_transaction_read_only", connection);
            await reset.ExecuteNonQueryAsync();
            await using NpgsqlCommand reload = new("SELECT pg_reload_conf()", connection);
            await reload.ExecuteNonQueryAsync();
        }

        await load.MoreAsync(50);
        await load.CheckAsync();
        cluster.Outages().ShouldBe(["a: PRD8004", "b: PRD8004", "client: PRD8004"]);
    }

    [Fact]
    public async Task A_server_without_a_free_connection_is_waited_for()
    {
        await one.AskAsync("CREATE ROLE few LOGIN IN ROLE perdure");
        var asFew = new NpgsqlConnectionStringBuilder(one.Server.ConnectionString) { Username = "few" };
        await using Cluster cluster = await Cluster.StartAsync(one.Server, asFew.ConnectionString);
        Load load = Load.Begin(cluster);
        await load.MoreAsync(50);

        await cluster.AskAsync("ALTER ROLE few CONNECTION LIMIT 0");
        await cluster.AskAsync("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'few'");
        await cluster.UntilAsync("all shards with two", owners => owners.Length == 2 && owners.Sum(o => o.Shards) == 12);
        await load.MoreAsync(50);
        await cluster.AskAsync("ALTER ROLE few CONNECTION LIMIT -1");

        await cluster.UntilAsync("even shares", owners => owners.Length == 3 && owners.All(o => o.Shards == 4));
        await load.MoreAsync(50);
        await load.CheckAsync();
        cluster.Said(Out).ShouldAllBe(line => line.StartsWith("b: ", StringComparison.Ordinal));
        cluster.Said(Out).ShouldContain(line => line.Contains("too many connections", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_server_that_is_killed_and_started_again_is_found_again()
    {
        await using PostgresServer server = await PostgresServer.StartNewAsync();
        await using Cluster cluster = await Cluster.StartAsync(server);
        Load load = Load.Begin(cluster);
        await load.MoreAsync(50);

        await server.KillAsync();
        await cluster.UntilAllSayAsync("PRD8001");
        await server.StartAsync();
        await load.MoreAsync(50);

        await server.StopAsync();
        await server.StartAsync();
        await load.MoreAsync(50);
        await load.CheckAsync();
    }

    [Fact]
    public async Task Connections_that_are_cut_at_any_byte_lose_nothing()
    {
        await using var way = new CutWay(new NpgsqlConnectionStringBuilder(one.Server.ConnectionString).Port, seed: 7);
        var throughIt = new NpgsqlConnectionStringBuilder(one.Server.ConnectionString) { Port = way.Port };
        await using Cluster cluster = await Cluster.StartAsync(one.Server, throughIt.ConnectionString);
        Load load = Load.Begin(cluster);
        await load.MoreAsync(50);

        way.BytesMax = 20_000;
        await load.MoreAsync(150);
        way.BytesMax = null;
        await load.MoreAsync(50);
        await load.CheckAsync();
        way.Cuts.ShouldBeGreaterThan(5);
        cluster.Said(Out).ShouldAllBe(line => line.StartsWith("b: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_node_whose_clock_is_wrong_is_a_node_like_any_other()
    {
        await using Cluster cluster = await Cluster.StartAsync(one.Server, skewOfB: 3_600);
        Load load = Load.Begin(cluster);
        await load.MoreAsync(100);
        await cluster.B.KillAsync();
        await cluster.UntilAsync("all shards with two", owners => owners.Length == 2 && owners.Sum(o => o.Shards) == 12);
        await load.MoreAsync(50);
        await load.CheckAsync();
        cluster.Said(Taken).ShouldContain(line => !line.Contains(NoneUnclean, StringComparison.Ordinal));
    }

    /// <summary>Whether connections that are held back are in transactions that have written shards.</summary>
    private static string HeldCommits(HoldWay way) =>
        $"""
        SELECT count(*) > 0 FROM pg_stat_activity JOIN pg_locks USING (pid)
        WHERE client_port IN ({way.Held}) AND wait_event = 'ClientRead' AND backend_xid IS NOT NULL
            AND relation = '"{NodeHost.Schema}".shard'::regclass AND mode = 'RowExclusiveLock' AND granted
        """;
}
