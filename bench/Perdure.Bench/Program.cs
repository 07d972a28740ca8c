using System.Runtime.InteropServices;
using Perdure.Bench.Runner;
using Perdure.Bench.Workloads;

using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

if (args.Contains("--help") || args.Contains("-h"))
{
    Console.Write(CommandOption.Help(Catalog.All));
    return 0;
}

try
{
    BenchOptions options = BenchOptions.Parse(args, Catalog.All);
    Workload workload = Catalog.All.First(w => w.Name == options.Workload);
    using AllocationSampler? sampler = options.Allocations ? new AllocationSampler() : null;
    Report report = await workload.RunAsync(options, stop.Token);
    sampler?.Print(Console.Error);
    Console.WriteLine(report);
    return 0;
}
catch (BadArgumentException bad)
{
    await Console.Error.WriteLineAsync(bad.Message);
    return 2;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    await Console.Error.WriteLineAsync("interrupted");
    return 130;
}
catch (Exception broken)
{
    await Console.Error.WriteLineAsync($"the run broke: {broken}");
    return 1;
}

// The temporary directory is still to be removed, so the process must not end here.
void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}
