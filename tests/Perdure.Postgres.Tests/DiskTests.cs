using Npgsql;
using Perdure.Shared;

namespace Perdure.Postgres.Tests;

/// <summary>The server's disk is full: what was told is there, once, and it goes on when there is room.</summary>
public sealed class DiskTests
{
    private const int Megabytes = 96;

    private const string NoSpace = "No space left on device";

    [Fact]
    public async Task A_disk_without_room_for_tables_is_waited_for_and_said_once()
    {
        await using PostgresServer server = await PostgresServer.StartOnSmallDiskAsync(Megabytes, withLog: false);
        await using Cluster cluster = await Cluster.StartAsync(server);
        await cluster.SetAsync("autovacuum = off"); // it would find room here and there
        Load load = Load.Begin(cluster);
        await load.MoreAsync(50);

        server.Disk!.Fill();
        await cluster.UntilOneSaysAsync(NoSpace); // the others have nothing to commit, perhaps: they wait for it
        (await cluster.Perdure.CountAsync(FlowFilter.Open)).ShouldBeGreaterThan(0);
        using (CancellationTokenSource patience = new(TimeSpan.FromSeconds(1)))
        {
            await Should.ThrowAsync<OperationCanceledException>(Task.WhenAll(
                Enumerable.Range(1, 50).Select(number => cluster.Perdure.Flow<int, int>("pay").StartAsync(number, $"unheard{number}", cancellationToken: patience.Token))));
        }

        server.Disk.Free();
        long freed = TimeProvider.System.GetTimestamp();
        await load.MoreAsync(1);
        TimeProvider.System.GetElapsedTime(freed).ShouldBeLessThan(TimeSpan.FromSeconds(12)); // the longest pause between two tries is 10 s
        await load.MoreAsync(100);
        await load.CheckAsync();
        cluster.Outages().ShouldAllBe(outages => outages.EndsWith(": PRD8004", StringComparison.Ordinal) || outages.EndsWith(": ", StringComparison.Ordinal));
        server.Log.ShouldNotContain(line => line.Contains("PANIC", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_server_that_dies_since_its_log_has_no_room_is_found_again()
    {
        await using PostgresServer server = await PostgresServer.StartOnSmallDiskAsync(Megabytes, withLog: true);
        await using Cluster cluster = await Cluster.StartAsync(server);
        await cluster.SetAsync("restart_after_crash = off"); // somebody makes room first
        Load load = Load.Begin(cluster);
        await load.MoreAsync(50);

        server.Disk!.Fill();
        await Should.ThrowAsync<NpgsqlException>(async () =>
        {
            while (true)
            {
                await cluster.AskAsync("SELECT pg_logical_emit_message(false, 'filler', repeat('x', 100000))"); // until the log needs another file
            }
        });
        await server.HasSaidAsync("PANIC");
        await server.EndAsync();
        await cluster.UntilAllSayAsync("PRD8001");
        server.Disk.Free();
        await server.StartAsync();
        long freed = TimeProvider.System.GetTimestamp();
        await load.MoreAsync(1);
        TimeProvider.System.GetElapsedTime(freed).ShouldBeLessThan(TimeSpan.FromSeconds(12));
        await load.MoreAsync(100);
        await load.CheckAsync();
        server.Log.ShouldContain(line => line.Contains("PANIC", StringComparison.Ordinal) && line.Contains(NoSpace, StringComparison.Ordinal));
        cluster.Outages().ShouldAllBe(outages => outages.EndsWith("PRD8001", StringComparison.Ordinal) && !outages.Contains(',', StringComparison.Ordinal));
    }
}
