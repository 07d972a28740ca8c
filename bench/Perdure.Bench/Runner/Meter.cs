using System.Diagnostics;
using System.Globalization;

namespace Perdure.Bench.Runner;

/// <summary>What a stretch of work took: time, CPU of this process and of a server that works for it, commits, and garbage.</summary>
internal sealed class Meter(Func<long> commits, Func<TimeSpan>? serverCpu = null)
{
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly TimeSpan _cpuBefore = Cpu(serverCpu);
    private readonly long _commitsBefore = commits();
    private readonly long _allocatedBefore = GC.GetTotalAllocatedBytes(precise: true);
    private readonly TimeSpan _pausedBefore = GC.GetTotalPauseDuration();

    public Measured Read() => new(
        Stopwatch.GetElapsedTime(_started),
        Cpu(serverCpu) - _cpuBefore,
        commits() - _commitsBefore,
        GC.GetTotalAllocatedBytes(precise: true) - _allocatedBefore,
        GC.GetTotalPauseDuration() - _pausedBefore);

    /// <summary>The most memory that this process ever had resident, warm-up included.</summary>
    public static double PeakRssMb() => StatusMb("VmHWM");

    /// <summary>What it has resident now.</summary>
    public static double RssMb() => StatusMb("VmRSS");

    private static TimeSpan Cpu(Func<TimeSpan>? serverCpu)
    {
        using var self = Process.GetCurrentProcess();
        return self.TotalProcessorTime + (serverCpu?.Invoke() ?? TimeSpan.Zero);
    }

    private static double StatusMb(string field)
    {
        if (!OperatingSystem.IsLinux())
        {
            using var self = Process.GetCurrentProcess();
            return (field == "VmHWM" ? self.PeakWorkingSet64 : self.WorkingSet64) / 1048576.0;
        }

        string line = File.ReadLines("/proc/self/status").First(l => l.StartsWith(field, StringComparison.Ordinal));
        string kilobytes = line.Split([':', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1];
        return long.Parse(kilobytes, CultureInfo.InvariantCulture) / 1024.0;
    }
}

/// <param name="Elapsed">Wall-clock time.</param>
/// <param name="Cpu">User and system time of this process, and of its server.</param>
/// <param name="Commits">Transactions that the store committed.</param>
/// <param name="AllocatedBytes">Managed memory that was allocated.</param>
/// <param name="Paused">Time in which the garbage collector held all threads.</param>
internal sealed record Measured(TimeSpan Elapsed, TimeSpan Cpu, long Commits, long AllocatedBytes, TimeSpan Paused);
