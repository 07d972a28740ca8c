using Perdure.Sqlite.Native;
using Perdure.Storage;

namespace Perdure.Sqlite;

/// <summary>Reads flows and their messages with prepared statements.</summary>
internal sealed class FlowReader
{
    private const string FlowColumns =
        """
        run, shard, type, id, version, created_at, parent_type, parent_id, parent_ask, trace_parent, status, wake_at, ended_at, stuck_code, stuck_reason,
        correlation, cause
        """;

    private const string HistoryColumns =
        "run, position, at, kind, ask, name, sender_id, attempts, started_at, payload, asks, result";

    private readonly SqliteStatement _flow;
    private readonly SqliteStatement _history;
    private readonly SqliteStatement _firstHistory;
    private readonly SqliteStatement _lastHistory;
    private readonly SqliteStatement _backoffs;
    private readonly SqliteStatement _busy;
    private readonly SqliteStatement _waiting;
    private readonly SqliteStatement _inbox;
    private readonly SqliteStatement _openVersions;
    private readonly PreparedQueries _queries;

    public FlowReader(SqliteConnection connection)
    {
        _queries = new PreparedQueries(connection);
        _flow = connection.Prepare($"SELECT {FlowColumns} FROM flow WHERE type = ?1 AND id = ?2");
        _history = connection.Prepare($"SELECT {HistoryColumns} FROM history WHERE run = ?1 ORDER BY position");
        _firstHistory = connection.Prepare($"SELECT {HistoryColumns} FROM history WHERE run = ?1 ORDER BY position LIMIT 1");
        _lastHistory = connection.Prepare($"SELECT {HistoryColumns} FROM history WHERE run = ?1 ORDER BY position DESC LIMIT 1");
        _backoffs = connection.Prepare("SELECT run, ask, attempts, started_at, next_at, last_error FROM backoff WHERE run = ?1 ORDER BY ask");
        _busy = connection.Prepare(
            "SELECT wake_at, run, type, id FROM flow WHERE shard = ?1 AND wake_at = 0 AND status < 3 AND run > ?2 ORDER BY run LIMIT ?3");
        _waiting = connection.Prepare(
            """
            SELECT wake_at, run, type, id FROM flow
            WHERE shard = ?1 AND status < 3 AND wake_at IS NOT 0 AND (wake_at, run) > (?2, ?3) AND wake_at <= ?4
            ORDER BY wake_at, run LIMIT ?5
            """);
        _inbox = connection.Prepare(
            """
            SELECT shard, id, kind, to_type, to_id, from_type, from_id, from_ask, name, payload, correlation, cause
            FROM inbox WHERE shard = ?1 ORDER BY id
            """);
        _openVersions = connection.Prepare(
            """
            SELECT type, version, count(*) FROM (
                SELECT type, version FROM flow WHERE wake_at = 0 AND status < 3
                UNION ALL
                SELECT type, version FROM flow WHERE status < 3 AND wake_at IS NOT 0)
            GROUP BY type, version ORDER BY type, version
            """);
    }

    public StoredFlow? ReadFlow(FlowKey key, FlowParts parts)
    {
        _flow.Bind(1, key.Type);
        _flow.Bind(2, key.Id);
        if (!_flow.Step())
        {
            return null;
        }

        FlowRow row = ToFlow(_flow);
        _flow.Reset();
        return parts switch
        {
            FlowParts.Start => new StoredFlow(row, ReadHistory(_firstHistory, row.Run), []),
            FlowParts.End => new StoredFlow(row, ReadHistory(_lastHistory, row.Run), []),
            FlowParts.All => new StoredFlow(row, ReadHistory(_history, row.Run), ReadBackoffs(row.Run)),
            _ => new StoredFlow(row, [], []),
        };
    }

    public List<WakingFlow> ReadWaking(int shard, WakingFlow? after, DateTimeOffset until, int limit)
    {
        List<WakingFlow> waking = [];
        long afterTime = after is null ? long.MinValue : StoredTime.ToStored(after.WakeAt);
        long afterRun = after?.Run ?? long.MinValue;
        if (afterTime <= 0 && until >= FlowRow.Busy)
        {
            _busy.Bind(1, shard);
            _busy.Bind(2, afterTime == 0 ? afterRun : long.MinValue);
            _busy.Bind(3, limit);
            AddWaking(_busy, waking);
        }

        if (waking.Count < limit)
        {
            _waiting.Bind(1, shard);
            _waiting.Bind(2, afterTime);
            _waiting.Bind(3, afterRun);
            _waiting.Bind(4, until);
            _waiting.Bind(5, limit - waking.Count);
            AddWaking(_waiting, waking);
        }

        return waking;
    }

    public List<InboxRow> ReadInbox(int shard)
    {
        List<InboxRow> messages = [];
        _inbox.Bind(1, shard);
        while (_inbox.Step())
        {
            messages.Add(new InboxRow(
                (int)_inbox.Number(0), _inbox.Text(1), (MessageKind)_inbox.Number(2), new FlowKey(_inbox.Text(3), _inbox.Text(4)))
            {
                From = ToParent(_inbox, 5),
                Name = _inbox.TextOrNull(8),
                Payload = _inbox.BlobOrNull(9),
                Correlation = _inbox.TextOrNull(10),
                Cause = _inbox.TextOrNull(11),
            });
        }

        return messages;
    }

    /// <summary>Reads a page of a list: runs before a number, the newest first.</summary>
    public List<FlowRow> List(FlowFilter filter, long before, int limit)
    {
        List<FlowRow> flows = [];
        SqliteStatement query = _queries.Of(FlowQuery.List(filter, FlowColumns));
        FlowQuery.Bind(query, filter, before, limit);
        while (query.Step())
        {
            flows.Add(ToFlow(query));
        }

        return flows;
    }

    public long Count(FlowFilter filter)
    {
        SqliteStatement query = _queries.Of(FlowQuery.Count(filter));
        FlowQuery.Bind(query, filter, before: 0, Math.Max(0, filter.Limit ?? long.MaxValue));
        query.Step();
        long count = query.Number(0);
        query.Reset();
        return count;
    }

    public List<OpenVersion> ReadOpenVersions()
    {
        List<OpenVersion> versions = [];
        while (_openVersions.Step())
        {
            versions.Add(new OpenVersion(_openVersions.Text(0), (int)_openVersions.Number(1), _openVersions.Number(2)));
        }

        return versions;
    }

    private static void AddWaking(SqliteStatement query, List<WakingFlow> waking)
    {
        while (query.Step())
        {
            waking.Add(new WakingFlow(query.Time(0), query.Number(1), new FlowKey(query.Text(2), query.Text(3))));
        }
    }

    private static FlowRow ToFlow(SqliteStatement row) => new(
        row.Number(0), (int)row.Number(1), new FlowKey(row.Text(2), row.Text(3)), (int)row.Number(4), row.Time(5))
    {
        Parent = ToParent(row, 6),
        TraceParent = row.TextOrNull(9),
        Correlation = row.TextOrNull(15),
        Cause = row.TextOrNull(16),
        State = new FlowState((FlowStatus)row.Number(10), row.TimeOrNull(11), row.TimeOrNull(12), row.TextOrNull(13), row.TextOrNull(14)),
    };

    private static ParentRef? ToParent(SqliteStatement row, int first) =>
        row.IsNull(first) ? null : new ParentRef(new FlowKey(row.Text(first), row.Text(first + 1)), (int)row.Number(first + 2));

    private static List<HistoryRow> ReadHistory(SqliteStatement query, long run)
    {
        List<HistoryRow> history = [];
        query.Bind(1, run);
        while (query.Step())
        {
            history.Add(new HistoryRow(query.Number(0), (int)query.Number(1), query.Time(2), (InputKind)query.Number(3))
            {
                Ask = (int)query.Number(4),
                Name = query.TextOrNull(5),
                SenderId = query.TextOrNull(6),
                Attempts = (int)query.Number(7),
                StartedAt = query.TimeOrNull(8),
                Payload = query.BlobOrNull(9),
                Asks = query.TextOrNull(10),
                Result = query.BlobOrNull(11),
            });
        }

        return history;
    }

    private List<BackoffRow> ReadBackoffs(long run)
    {
        List<BackoffRow> backoffs = [];
        _backoffs.Bind(1, run);
        while (_backoffs.Step())
        {
            backoffs.Add(new BackoffRow(
                _backoffs.Number(0), (int)_backoffs.Number(1), (int)_backoffs.Number(2), _backoffs.Time(3), _backoffs.Time(4), _backoffs.Blob(5)));
        }

        return backoffs;
    }
}
