using Perdure.Shared;

namespace Perdure.Postgres.Tests;

/// <summary>Nodes behind a pooler that shares connections between transactions: it loses their wake-ups, and knows nothing of prepared statements.</summary>
public sealed class PoolerTests(OnePostgres one) : IClassFixture<OnePostgres>
{
    [Fact]
    public async Task Behind_a_pooler_in_transaction_mode_nodes_look_for_their_mail_and_nothing_is_lost()
    {
        await using Pooler pooler = await Pooler.StartAsync(one.Server);
        await using Cluster cluster = await Cluster.StartAsync(pooler.ConnectionString, prepare: false);
        Load load = Load.Begin(cluster, clients: 24);
        await load.MoreAsync(50);

        await cluster.A.KillAsync();
        await cluster.UntilAsync("all shards with two", owners => owners.Length == 2 && owners.Sum(o => o.Shards) == 12);
        await load.MoreAsync(50);
        await load.CheckAsync();
        int sessions = int.Parse((await one.AskAsync("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"))!, System.Globalization.CultureInfo.InvariantCulture);
        sessions.ShouldBeInRange(1, Pooler.Connections);
    }
}
