using System.Diagnostics;
using System.Globalization;
using Perdure.CrashTests.Victim;

namespace Perdure.CrashTests.Runs;

/// <summary>A victim in a process of its own.</summary>
internal sealed class VictimProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task _output;
    private readonly Task<string> _errors;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private VictimProcess(Process process)
    {
        _process = process;
        _output = ReadAsync();
        _errors = process.StandardError.ReadToEndAsync();
    }

    /// <summary>Whether it said that all flows had ended.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Whether it said that it stopped because it was asked to.</summary>
    public bool IsStopped { get; private set; }

    public static VictimProcess Start(Settings settings) => Start(settings.Arguments);

    /// <summary>Starts one that enqueues jobs and does them.</summary>
    public static VictimProcess StartJobs(string folder, int life) => Start(["jobs", folder, life.ToString(CultureInfo.InvariantCulture)]);

    private static VictimProcess Start(IEnumerable<string> arguments)
    {
        string dll = Path.Combine(AppContext.BaseDirectory, "Perdure.CrashTests.Victim.dll");
        var start = new ProcessStartInfo("dotnet", [dll, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_TieredPGO"] = "0"; // it never lives long enough
        return new VictimProcess(Process.Start(start)!);
    }

    /// <summary>Waits until flows run, or the process has ended.</summary>
    public Task ReadyAsync(TimeSpan limit) => Task.WhenAny(_ready.Task, _output).WaitAsync(limit);

    /// <summary>Ends it in the middle of whatever it does.</summary>
    public void Kill() => _process.Kill();

    /// <summary>Asks it to stop.</summary>
    public async Task StopAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Waits until it has ended.</summary>
    /// <returns>Its exit code, and what it had to complain about.</returns>
    public async Task<(int Code, string Errors)> EndAsync(TimeSpan limit)
    {
        using var deadline = new CancellationTokenSource(limit);
        await _process.WaitForExitAsync(deadline.Token);
        await _output;
        return (_process.ExitCode, await _errors);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            switch (line)
            {
                case "ready":
                    _ready.TrySetResult();
                    break;
                case "done":
                    IsDone = true;
                    break;
                case "stopped":
                    IsStopped = true;
                    break;
            }
        }
    }
}
