using Npgsql;
using Perdure.Postgres.Writing;
using Perdure.Storage;

namespace Perdure.Postgres.Nodes;

/// <summary>The nodes that live, and the shards that they have.</summary>
/// <remarks>
/// <para>Leases are judged by the server's clock, within the statement: <c>clock_timestamp</c> goes on while a statement waits for a lock.</para>
/// <para>
/// Before a node that is gone is buried its connections are ended, since one that is frozen in the middle of a commit holds the rows
/// of its shards; what it still sends fails on the epoch. Burying and renewing lock the node's row, so exactly one of the two happens.
/// </para>
/// </remarks>
internal sealed class NodeTable(Database database)
{
    private readonly string _join =
        $"""
        INSERT INTO {database.Schema}.node (name, application, lease, lease_until) VALUES ($1, $2, $3, clock_timestamp() + $3) RETURNING node
        """;

    private readonly string _renew =
        $"""
        UPDATE {database.Schema}.node SET lease_until = clock_timestamp() + lease WHERE node = $1 AND lease_until > clock_timestamp() RETURNING node
        """;

    private readonly string _nodes = $"SELECT node, name, joined_at, lease_until <= clock_timestamp() FROM {database.Schema}.node ORDER BY node";

    private readonly string _owners = $"SELECT shard, node, batch FROM {database.Schema}.shard WHERE shard < {NodeLease.FirstInbox} OR shard = $1 ORDER BY shard";

    /// <summary>Only connections of our own role, which anybody may end.</summary>
    private readonly string _disconnect =
        $"""
        SELECT pg_terminate_backend(activity.pid)
        FROM {database.Schema}.node JOIN pg_stat_activity AS activity ON activity.application_name = node.application
        WHERE node.lease_until <= clock_timestamp() AND node.application <> $1 AND activity.usename = current_user
        """;

    private readonly string _bury =
        $"""
        WITH gone AS (DELETE FROM {database.Schema}.node WHERE lease_until <= clock_timestamp() OR node = $1 RETURNING node),
            freed AS (UPDATE {database.Schema}.shard SET node = NULL FROM gone WHERE shard.node = gone.node AND shard.shard < {NodeLease.FirstInbox}),
            own AS (DELETE FROM {database.Schema}.shard USING gone WHERE shard.shard = {NodeLease.FirstInbox} + gone.node)
        DELETE FROM {database.Schema}.inbox USING gone WHERE inbox.shard = {NodeLease.FirstInbox} + gone.node
        """;

    /// <summary>Answers to calls of a node that was gone by then.</summary>
    private readonly string _sweep =
        $"""
        DELETE FROM {database.Schema}.inbox WHERE shard > {NodeLease.Unclaimed} AND NOT EXISTS (SELECT FROM {database.Schema}.node WHERE node.node = inbox.shard - {NodeLease.FirstInbox})
        """;

    public async Task<NodeLease> JoinAsync(string name, TimeSpan lease, CancellationToken cancellationToken)
    {
        List<long> node = [];
        await RunAsync(
            (row, _) => node.Add(row.GetInt64(0)),
            cancellationToken,
            Sql.Of(_join, Sql.Value(name), Sql.Value(database.Application), Sql.Value(lease)),
            Sql.Of(_sweep)).ConfigureAwait(false);
        return new NodeLease(node[0], name, lease);
    }

    public async Task<ClusterView?> BeatAsync(NodeLease node, CancellationToken cancellationToken)
    {
        bool lives = false;
        bool anyGone = false;
        List<LivingNode> nodes = [];
        List<ShardOwner> owners = [];
        await RunAsync(Read, cancellationToken, Sql.Of(_renew, Sql.Value(node.Node)), Sql.Of(_nodes), Sql.Of(_owners, Sql.Value(node.Inbox))).ConfigureAwait(false);
        if (anyGone)
        {
            await RunAsync(static (_, _) => { }, cancellationToken, Sql.Of(_disconnect, Sql.Value(database.Application))).ConfigureAwait(false);
            await RunAsync(static (_, _) => { }, cancellationToken, Sql.Of(_bury, Sql.Value(0L))).ConfigureAwait(false);
            return await BeatAsync(node, cancellationToken).ConfigureAwait(false);
        }

        return lives ? new ClusterView(nodes, owners) : null;

        void Read(NpgsqlDataReader row, int statement)
        {
            switch (statement)
            {
                case 0:
                    lives = true;
                    break;
                case 1:
                    anyGone |= row.GetBoolean(3);
                    nodes.Add(new LivingNode(row.GetInt64(0), row.GetString(1), row.GetFieldValue<DateTimeOffset>(2)));
                    break;
                default:
                    owners.Add(new ShardOwner(row.GetInt32(0), row.IsDBNull(1) ? null : row.GetInt64(1), row.GetInt64(2)));
                    break;
            }
        }
    }

    public Task LeaveAsync(NodeLease node, CancellationToken cancellationToken)
        => RunAsync(static (_, _) => { }, cancellationToken, Sql.Of(_bury, Sql.Value(node.Node)));

    private Task RunAsync(Action<NpgsqlDataReader, int> read, CancellationToken cancellationToken, params NpgsqlBatchCommand[] commands)
        => Statements.RunAsync(database, commands, read, cancellationToken);
}
