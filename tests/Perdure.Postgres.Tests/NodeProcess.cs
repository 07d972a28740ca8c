using System.Diagnostics;
using System.Globalization;

namespace Perdure.Postgres.Tests;

/// <summary>A node in a process of its own.</summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private static readonly TimeSpan BootLimit = TimeSpan.FromMinutes(1);

    private readonly Process _process;
    private readonly List<string> _log = [];
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private NodeProcess(string name, Process process)
    {
        Name = name;
        _process = process;
        process.OutputDataReceived += (_, line) => Hear(line.Data);
        process.ErrorDataReceived += (_, line) => Hear(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Name { get; }

    public bool Lives => !_process.HasExited;

    public IReadOnlyList<string> Log
    {
        get
        {
            lock (_log)
            {
                return [.. _log];
            }
        }
    }

    public static async Task<NodeProcess> StartAsync(string name, string database, double skewSeconds, TimeSpan lease, bool prepare)
    {
        string dll = Path.Combine(AppContext.BaseDirectory, "Perdure.Postgres.Node.dll");
        var start = new ProcessStartInfo("dotnet", [dll, name, database, skewSeconds.ToString(CultureInfo.InvariantCulture), lease.TotalSeconds.ToString(CultureInfo.InvariantCulture), prepare.ToString()])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_TieredPGO"] = "0"; // it never lives long enough
        var node = new NodeProcess(name, Process.Start(start)!);
        await node._ready.Task.WaitAsync(BootLimit);
        return node;
    }

    /// <summary>Ends it in the middle of whatever it does.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Stops it where it is, as a machine that hangs does; it keeps its connections.</summary>
    public Task FreezeAsync() => SignalAsync("-STOP");

    public Task GoOnAsync() => SignalAsync("-CONT");

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await GoOnAsync();
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    /// <summary>Asks it to leave, and waits until it has.</summary>
    public async Task StopAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync().WaitAsync(BootLimit);
    }

    private async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [signal, _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    private void Hear(string? line)
    {
        lock (_log)
        {
            _log.Add(line ?? "(end)");
        }

        if (line == "ready")
        {
            _ready.TrySetResult();
        }
        else if (line is null)
        {
            _ready.TrySetException(new InvalidOperationException(string.Join(Environment.NewLine, Log)));
        }
    }
}
