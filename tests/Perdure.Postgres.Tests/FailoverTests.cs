using Npgsql;
using Perdure.Postgres.Node;
using Perdure.Shared;

namespace Perdure.Postgres.Tests;

/// <summary>A server is killed, and its standby takes its place: nodes find it, and go on from what it has.</summary>
public sealed class FailoverTests
{
    private const int WentBack = 61;

    /// <summary>Nodes are not gone for the standby when it takes over: they find out what was lost by themselves, on shards with nothing to do, too.</summary>
    private static readonly TimeSpan LongLease = TimeSpan.FromSeconds(12);

    [Fact]
    public async Task With_a_synchronous_standby_nothing_that_was_told_is_lost()
    {
        await using PostgresServer primary = await PostgresServer.StartNewAsync();
        await using PostgresServer standby = await primary.StartStandbyAsync("standby");
        await using Cluster cluster = await Cluster.StartAsync(Either(primary, standby));
        await cluster.AskAsync("ALTER SYSTEM SET synchronous_standby_names = 'standby'");
        await cluster.AskAsync("SELECT pg_reload_conf()");
        await cluster.UntilAsync("a synchronous standby", () => "SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'");
        Load load = Load.Begin(cluster);
        await load.MoreAsync(100);

        await primary.KillAsync();
        await standby.PromoteAsync();
        long promoted = TimeProvider.System.GetTimestamp();
        await load.MoreAsync(1);
        TimeProvider.System.GetElapsedTime(promoted).ShouldBeLessThan(TimeSpan.FromSeconds(12)); // the longest pause between two tries is 10 s
        await load.MoreAsync(100);
        await load.CheckAsync();
        cluster.Outages().ShouldAllBe(outages => outages.Contains("PRD800", StringComparison.Ordinal) || outages.EndsWith(": ", StringComparison.Ordinal)); // a node that asked nothing meanwhile has seen none
        cluster.Outages().ShouldContain(outages => outages.Contains("PRD800", StringComparison.Ordinal));
        cluster.Said(WentBack).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_a_standby_had_not_heard_of_is_lost_as_if_it_had_never_been()
    {
        await using PostgresServer primary = await PostgresServer.StartNewAsync();
        await using PostgresServer standby = await primary.StartStandbyAsync("standby");
        await using Cluster cluster = await Cluster.StartAsync(Either(primary, standby), lease: LongLease);
        await using NpgsqlDataSource copy = NpgsqlDataSource.Create(standby.ConnectionString + ";Pooling=false");
        Load kept = Load.Begin(cluster, name: "kept");
        await kept.MoreAsync(50);
        await kept.EndAsync();
        List<FlowHandle<int>> waiting = [];
        foreach (int number in Enumerable.Range(1, 24))
        {
            waiting.Add(await cluster.Perdure.Flow<int, int>("pay").StartAsync(2 * number, $"waits{number}"));
        }

        await cluster.UntilAsync("flows that wait", () => "SELECT count(*) = 24 FROM entry WHERE starts_with(flow, 'waits')");
        await cluster.UntilAsync("their rows", () => $"SELECT count(*) = 48 FROM \"{NodeHost.Schema}\".history JOIN \"{NodeHost.Schema}\".flow USING (shard, run) WHERE starts_with(flow.id, 'waits')");
        string before = await CutAsync(cluster, copy);

        foreach (FlowHandle<int> run in waiting)
        {
            await run.SignalAsync(1_000, "go", signalId: "one");
            await run.ResultAsync(); // it is told, and lost
        }

        Load lost = Load.Begin(cluster, name: "lost", workers: 0); // whose end would be mail for the nodes that did the jobs
        await lost.MoreAsync(50);
        await lost.EndAsync();
        await primary.KillAsync();
        await standby.PromoteAsync();

        // Shards with nothing to do find out, too.
        await cluster.UntilAsync(
            "that all shards with open flows were taken anew",
            () => $"SELECT bool_and(epoch > before.was) FROM (VALUES {before}) AS before (number, was) JOIN \"{NodeHost.Schema}\".shard ON shard = number WHERE shard IN (SELECT shard FROM \"{NodeHost.Schema}\".flow WHERE status < 3)");
        foreach (FlowHandle<int> run in waiting)
        {
            (await Load.AgainAsync(() => run.DescribeAsync())).Status.ShouldBe(FlowStatus.Running);
            await Load.AgainAsync(async () =>
            {
                await run.SignalAsync(1_000, "go", signalId: "one");
                return true;
            });
        }

        int[] results = await Task.WhenAll(waiting.Select(run => Load.AgainAsync(() => run.ResultAsync())));
        results.ShouldBe(Enumerable.Range(1, 24).Select(number => (6 * number) + 1_000));
        (await cluster.AskAsync("SELECT count(*) FROM entry WHERE starts_with(flow, 'waits')")).ShouldBe(72L);
        (await cluster.AskAsync("SELECT count(*) FROM entry WHERE starts_with(flow, 'lost')")).ShouldBe(0L);
        foreach (string id in lost.Ids)
        {
            await Should.ThrowAsync<FlowNotFoundException>(() => Load.AgainAsync(() => cluster.Perdure.Get("pay", id).DescribeAsync()));
        }

        Load after = Load.Begin(cluster, name: "after");
        await after.MoreAsync(50);
        await after.CheckAsync();
        await kept.CheckAsync();
        cluster.Said(WentBack).Select(line => line[..line.IndexOf(':', StringComparison.Ordinal)]).Order().ShouldBe(["a", "b", "client"]);
    }

    /// <summary>Lets the standby hear of everything up to now, and of nothing more.</summary>
    /// <returns>Its shards and their epochs, as rows of SQL.</returns>
    private static async Task<string> CutAsync(Cluster cluster, NpgsqlDataSource copy)
    {
        string now = (await cluster.AskAsync("SELECT pg_current_wal_lsn()::text"))!.ToString()!;
        await cluster.UntilAsync("a standby that has heard of all", () => $"SELECT count(*) = 1 FROM pg_stat_replication WHERE replay_lsn >= '{now}'");
        await AskAsync("ALTER SYSTEM SET primary_conninfo = ''");
        await AskAsync("SELECT pg_reload_conf()");
        await cluster.UntilAsync("a standby that hears nothing", () => "SELECT count(*) = 0 FROM pg_stat_replication");
        return (string)(await AskAsync($"SELECT string_agg(format('(%s, %s)', shard, epoch), ', ') FROM \"{NodeHost.Schema}\".shard WHERE shard < 12"))!;

        async Task<object?> AskAsync(string sql)
        {
            await using NpgsqlCommand command = copy.CreateCommand(sql);
            return await command.ExecuteScalarAsync();
        }
    }

    private static string Either(PostgresServer one, PostgresServer other) =>
        $"Host={one.Address},{other.Address};Database=postgres;Username=perdure;Target Session Attributes=primary;Host Recheck Seconds=1";
}
