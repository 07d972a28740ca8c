using System.Diagnostics;
using System.Numerics;

namespace Perdure.Bench.Runner;

/// <summary>A histogram of latencies with a resolution of 1/64, of fixed size however many are recorded. Safe for many threads.</summary>
internal sealed class Latencies
{
    private const int MantissaBits = 6;

    // Row r > 0 holds the microsecond counts with r + MantissaBits significant bits, in 64 columns; row 0 those under 64.
    private readonly long[] _counts = new long[(64 - MantissaBits + 1) << MantissaBits];

    public long Count => _counts.Sum();

    public void AddSince(long timestamp) => Add(Stopwatch.GetElapsedTime(timestamp));

    public void Add(TimeSpan latency)
    {
        // Quarters of a microsecond: fine enough for any commit, and a week still fits.
        long value = Math.Max(0, (long)(latency.TotalMicroseconds * 4));
        Interlocked.Increment(ref _counts[IndexOf(value)]);
    }

    /// <summary>The latency that this share of all did not exceed, in milliseconds; 0 when there is none.</summary>
    public double PercentileMs(double share)
    {
        long rank = Math.Max(1, (long)Math.Ceiling(share * Count));
        long seen = 0;
        for (int i = 0; i < _counts.Length; i++)
        {
            seen += _counts[i];
            if (seen >= rank)
            {
                return MiddleOf(i) / 4000;
            }
        }

        return 0;
    }

    private static int IndexOf(long value)
    {
        int row = Math.Max(0, BitOperations.Log2((ulong)value | 1) - MantissaBits + 1);
        return row == 0
            ? (int)value
            : (row << MantissaBits) + (int)((value >> (row - 1)) - (1 << MantissaBits));
    }

    private static double MiddleOf(int index)
    {
        int row = index >> MantissaBits;
        long column = index & ((1 << MantissaBits) - 1);
        return row == 0 ? column : (column + (1 << MantissaBits) + 0.5) * Math.Pow(2, row - 1);
    }
}
