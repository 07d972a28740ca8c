using System.Buffers;
using System.Buffers.Text;

namespace Perdure.Bench.Bare;

/// <summary>The rows that a flow needs at the least, in tables like the engine's.</summary>
/// <remarks>
/// Run numbers and ids count up: the cheapest order there is for a B-tree. The two indexes are what idempotent start and the
/// reload of a shard cannot do without.
/// </remarks>
internal sealed class FloorTables : IDisposable
{
    private const int Shards = 64;
    private const string Schema = """
        CREATE TABLE flow (run INTEGER PRIMARY KEY, shard INTEGER NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
            status INTEGER NOT NULL, created_at INTEGER NOT NULL, wake_at INTEGER, ended_at INTEGER, input BLOB);
        CREATE UNIQUE INDEX flow_key ON flow (type, id);
        CREATE INDEX flow_wake ON flow (shard, wake_at) WHERE wake_at IS NOT NULL;
        CREATE TABLE history (run INTEGER NOT NULL, position INTEGER NOT NULL, at INTEGER NOT NULL, kind INTEGER NOT NULL, asks TEXT,
            payload BLOB, PRIMARY KEY (run, position)) WITHOUT ROWID;
        """;

    private readonly byte[] _payload = new byte[100];
    private readonly byte[] _id = new byte[12];
    private readonly SqliteStatement _insertFlow;
    private readonly SqliteStatement _insertHistory;
    private readonly SqliteStatement _endFlow;
    private long _lastRun;

    public FloorTables(SqliteFile file)
    {
        file.Execute(Schema);
        Random.Shared.NextBytes(_payload);
        _insertFlow = file.Prepare("INSERT INTO flow (run, shard, type, id, version, status, created_at, wake_at, input) VALUES (?1, ?2, 'saga3', ?3, 1, 0, ?4, 0, ?5)");
        _insertHistory = file.Prepare("INSERT INTO history (run, position, at, kind, asks, payload) VALUES (?1, ?2, ?3, 1, ?4, ?5)");
        _endFlow = file.Prepare("UPDATE flow SET status = 3, wake_at = NULL, ended_at = ?2 WHERE run = ?1");
        // Values stay bound from run to run, so what never changes is bound once.
        _insertFlow.BindBlob(5, _payload);
        _insertHistory.BindText(4, "s authorize-card"u8).BindBlob(5, _payload);
    }

    public long InsertFlow(long at)
    {
        long run = ++_lastRun;
        Utf8Formatter.TryFormat(run, _id, out _, new StandardFormat('x', (byte)_id.Length));
        _insertFlow.Bind(1, run).Bind(2, run % Shards).BindText(3, _id).Bind(4, at).Run();
        return run;
    }

    public void InsertHistory(long run, int position, long at) => _insertHistory.Bind(1, run).Bind(2, position).Bind(3, at).Run();

    public void EndFlow(long run, long at) => _endFlow.Bind(1, run).Bind(2, at).Run();

    public void Dispose()
    {
        _insertFlow.Dispose();
        _insertHistory.Dispose();
        _endFlow.Dispose();
    }
}
