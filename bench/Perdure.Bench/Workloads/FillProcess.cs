using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Perdure.Bench.Runner;

namespace Perdure.Bench.Workloads;

/// <summary>Fills a store in a process of its own, so that its garbage is not measured.</summary>
internal static class FillProcess
{
    public static async Task<JsonElement> RunAsync(string workload, BenchOptions options, TempDir dir, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(FillProcess).Assembly.Location);
        }

        string[] args = [workload, "--n", options.N.ToString(CultureInfo.InvariantCulture), "--clients", options.Clients.ToString(CultureInfo.InvariantCulture), "--store", options.Store, "--fill", dir.Path];
        Array.ForEach(args, start.ArgumentList.Add);
        using Process process = Process.Start(start)!;
        try
        {
            string output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode == 0
                ? JsonElement.Parse(output.AsSpan().Trim())
                : throw new InvalidOperationException($"the process that fills the store ended with exit code {process.ExitCode}");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
                await process.WaitForExitAsync(CancellationToken.None);
            }
        }
    }
}
