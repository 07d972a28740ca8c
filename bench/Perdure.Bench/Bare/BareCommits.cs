using System.Diagnostics;
using Perdure.Bench.Runner;

namespace Perdure.Bench.Bare;

/// <summary>What one durable commit costs on this disk, without any engine: one row of 100 bytes, one commit at a time.</summary>
internal sealed class BareCommits : IDisposable
{
    private const int WarmUp = 200;
    private const int Measured = 1_000;

    private readonly SqliteFile _file;
    private readonly SqliteStatement _insert;
    private readonly Latencies _latencies = new();

    public BareCommits(TempDir dir)
    {
        _file = new SqliteFile(dir.File("bare.db"));
        _file.Execute("CREATE TABLE row (id INTEGER PRIMARY KEY, payload BLOB)");
        _insert = _file.Prepare("INSERT INTO row (payload) VALUES (?1)");
        _insert.BindBlob(1, new byte[100]);
    }

    /// <summary>The median of all that were measured.</summary>
    public double MedianMs => _latencies.PercentileMs(0.5);

    /// <summary>Measures some. Called before and after what they are compared with, since a disk has its moods.</summary>
    public void Measure(CancellationToken cancellationToken)
    {
        for (int i = 0; i < WarmUp + Measured; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long started = Stopwatch.GetTimestamp();
            _insert.Run();
            if (i >= WarmUp)
            {
                _latencies.AddSince(started);
            }
        }
    }

    public void Dispose()
    {
        _insert.Dispose();
        _file.Dispose();
    }
}
