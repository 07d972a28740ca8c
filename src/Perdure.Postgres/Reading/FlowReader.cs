using Npgsql;
using Perdure.Storage;

namespace Perdure.Postgres.Reading;

/// <summary>Reads flows and their messages.</summary>
internal sealed class FlowReader(Reads reads)
{
    public const string FlowColumns =
        """
        flow.run, flow.shard, flow.type, flow.id, flow.version, flow.created_at, flow.parent_type, flow.parent_id, flow.parent_ask, flow.trace_parent,
        flow.status, flow.wake_at, flow.ended_at, flow.stuck_code, flow.stuck_reason, flow.correlation, flow.cause
        """;

    private const string HistoryColumns =
        """
        history.run, history.position, history.at, history.kind, history.ask, history.name, history.sender_id, history.attempts, history.started_at,
        history.payload, history.asks, history.result
        """;

    private const string Keys = "(SELECT unnest($1) AS type, unnest($2) AS id) AS key";

    private readonly string _flows = $"SELECT {FlowColumns} FROM {Keys} JOIN {reads.Schema}.flow ON flow.type = key.type AND flow.id = key.id";

    private readonly string _history = HistorySql(reads, "ORDER BY history.position");
    private readonly string _firstHistory = HistorySql(reads, "ORDER BY history.position LIMIT 1");
    private readonly string _lastHistory = HistorySql(reads, "ORDER BY history.position DESC LIMIT 1");

    private readonly string _backoffs =
        $"""
        SELECT backoff.run, backoff.ask, backoff.attempts, backoff.started_at, backoff.next_at, backoff.last_error
        FROM {Keys} JOIN {reads.Schema}.flow ON flow.type = key.type AND flow.id = key.id
            JOIN {reads.Schema}.backoff ON backoff.shard = flow.shard AND backoff.run = flow.run
        ORDER BY backoff.run, backoff.ask
        """;

    private readonly string _waking =
        $"""
        SELECT wake_at, run, type, id FROM {reads.Schema}.flow
        WHERE shard = $1 AND status < 3 AND (wake_at, run) > ($2, $3) AND wake_at <= $4 ORDER BY wake_at, run LIMIT $5
        """;

    private readonly string _inbox =
        $"""
        SELECT shard, id, kind, to_type, to_id, from_type, from_id, from_ask, name, payload, correlation, cause
        FROM {reads.Schema}.inbox WHERE shard = ANY ($1) ORDER BY shard, id
        """;

    private readonly string _openVersions = $"SELECT type, version, count(*) FROM {reads.Schema}.flow WHERE status < 3 GROUP BY type, version ORDER BY type, version";

    public async Task<IReadOnlyList<StoredFlow?>> ReadAsync(IReadOnlyList<FlowKey> keys, FlowParts parts, CancellationToken cancellationToken)
    {
        FlowKey[] asked = [.. keys.Distinct()];
        List<NpgsqlBatchCommand> commands = [ForKeys(_flows)];
        switch (parts)
        {
            case FlowParts.Row:
                return Arrange(keys, await reads.ByIndexAsync(_flows, ToFlow, cancellationToken, KeyParameters()).ConfigureAwait(false), [], []);
            case FlowParts.Start:
                commands.Add(ForKeys(_firstHistory));
                break;
            case FlowParts.End:
                commands.Add(ForKeys(_lastHistory));
                break;
            default:
                commands.AddRange([ForKeys(_history), ForKeys(_backoffs)]);
                break;
        }

        return await reads.AtOnceAsync(
            commands,
            async reader =>
            {
                List<FlowRow> flows = await Reads.RowsAsync(reader, ToFlow).ConfigureAwait(false);
                await reader.NextResultAsync(CancellationToken.None).ConfigureAwait(false);
                List<HistoryRow> history = await Reads.RowsAsync(reader, ToHistory).ConfigureAwait(false);
                List<BackoffRow> backoffs = await reader.NextResultAsync(CancellationToken.None).ConfigureAwait(false) ? await Reads.RowsAsync(reader, ToBackoff).ConfigureAwait(false) : [];
                return Arrange(keys, flows, history, backoffs);
            },
            cancellationToken).ConfigureAwait(false);

        NpgsqlBatchCommand ForKeys(string sql) => Sql.Of(sql, KeyParameters());

        NpgsqlParameter[] KeyParameters() => [Sql.Value(Array.ConvertAll(asked, key => key.Type)), Sql.Value(Array.ConvertAll(asked, key => key.Id))];
    }

    public async Task<IReadOnlyList<WakingFlow>> ReadWakingAsync(int shard, WakingFlow? after, DateTimeOffset until, int limit, CancellationToken cancellationToken) =>
        await reads.ByIndexAsync(
            _waking,
            row => new WakingFlow(row.Time(0), row.GetInt64(1), new FlowKey(row.GetString(2), row.GetString(3))),
            cancellationToken,
            Sql.Value(shard),
            Sql.Value((after?.WakeAt ?? DateTimeOffset.MinValue).UtcDateTime),
            Sql.Value(after?.Run ?? long.MinValue),
            Sql.Value(until.UtcDateTime),
            Sql.Value(limit)).ConfigureAwait(false);

    public async Task<IReadOnlyList<InboxRow>> ReadInboxesAsync(IReadOnlyList<int> shards, CancellationToken cancellationToken) =>
        await reads.ByIndexAsync(_inbox, ToMessage, cancellationToken, Sql.Value(shards.ToArray())).ConfigureAwait(false);

    public async Task<IReadOnlyList<OpenVersion>> ReadOpenVersionsAsync(CancellationToken cancellationToken) =>
        await reads.AnyWayAsync(_openVersions, row => new OpenVersion(row.GetString(0), row.GetInt32(1), row.GetInt64(2)), cancellationToken).ConfigureAwait(false);

    public static FlowRow ToFlow(NpgsqlDataReader row) => new(
        row.GetInt64(0), row.GetInt32(1), new FlowKey(row.GetString(2), row.GetString(3)), row.GetInt32(4), row.Time(5))
    {
        Parent = row.ParentOrNull(6),
        TraceParent = row.TextOrNull(9),
        State = new FlowState((FlowStatus)row.GetInt16(10), row.TimeOrNull(11), row.TimeOrNull(12), row.TextOrNull(13), row.TextOrNull(14)),
        Correlation = row.TextOrNull(15),
        Cause = row.TextOrNull(16),
    };

    private static string HistorySql(Reads reads, string end) =>
        $"""
        SELECT {HistoryColumns}
        FROM {Keys} JOIN {reads.Schema}.flow ON flow.type = key.type AND flow.id = key.id
            CROSS JOIN LATERAL (SELECT * FROM {reads.Schema}.history WHERE history.shard = flow.shard AND history.run = flow.run {end}) AS history
        """;

    private static HistoryRow ToHistory(NpgsqlDataReader row) => new(row.GetInt64(0), row.GetInt32(1), row.Time(2), (InputKind)row.GetInt16(3))
    {
        Ask = row.GetInt32(4),
        Name = row.TextOrNull(5),
        SenderId = row.TextOrNull(6),
        Attempts = row.GetInt32(7),
        StartedAt = row.TimeOrNull(8),
        Payload = row.BytesOrNull(9),
        Asks = row.TextOrNull(10),
        Result = row.BytesOrNull(11),
    };

    private static BackoffRow ToBackoff(NpgsqlDataReader row) =>
        new(row.GetInt64(0), row.GetInt32(1), row.GetInt32(2), row.Time(3), row.Time(4), row.Bytes(5));

    private static InboxRow ToMessage(NpgsqlDataReader row) => new(row.GetInt32(0), row.GetString(1), (MessageKind)row.GetInt16(2), new FlowKey(row.GetString(3), row.GetString(4)))
    {
        From = row.ParentOrNull(5),
        Name = row.TextOrNull(8),
        Payload = row.BytesOrNull(9),
        Correlation = row.TextOrNull(10),
        Cause = row.TextOrNull(11),
    };

    /// <summary>Puts together what was read, in the order of the keys. A key that was asked for twice gets two copies of its row, since rows can be changed.</summary>
    private static List<StoredFlow?> Arrange(IReadOnlyList<FlowKey> keys, List<FlowRow> flows, List<HistoryRow> history, List<BackoffRow> backoffs)
    {
        Dictionary<FlowKey, FlowRow> byKey = flows.ToDictionary(flow => flow.Key);
        ILookup<long, HistoryRow> historyOf = history.ToLookup(row => row.Run);
        ILookup<long, BackoffRow> backoffsOf = backoffs.ToLookup(row => row.Run);
        List<StoredFlow?> answers = [];
        foreach (FlowKey key in keys)
        {
            answers.Add(byKey.TryGetValue(key, out FlowRow? flow) ? new StoredFlow(flow with { }, [.. historyOf[flow.Run]], [.. backoffsOf[flow.Run]]) : null);
        }

        return answers;
    }
}
