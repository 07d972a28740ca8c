using System.Diagnostics;
using Perdure.Bench.Runner;

namespace Perdure.Bench.Bare;

/// <summary>What one durable commit costs on this disk, without any engine.</summary>
internal static class BareCommits
{
    private const int WarmUp = 200;
    private const int Measured = 2_000;

    /// <summary>The median of commits of one row of 100 bytes each, one at a time.</summary>
    public static double MedianMs(TempDir dir, CancellationToken cancellationToken)
    {
        using var file = new SqliteFile(dir.File("bare.db"));
        file.Execute("CREATE TABLE row (id INTEGER PRIMARY KEY, payload BLOB)");
        using SqliteStatement insert = file.Prepare("INSERT INTO row (payload) VALUES (?1)");
        insert.BindBlob(1, new byte[100]);
        var latencies = new Latencies();
        for (int i = 0; i < WarmUp + Measured; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long started = Stopwatch.GetTimestamp();
            insert.Run();
            if (i >= WarmUp)
            {
                latencies.AddSince(started);
            }
        }

        return latencies.PercentileMs(0.5);
    }
}
