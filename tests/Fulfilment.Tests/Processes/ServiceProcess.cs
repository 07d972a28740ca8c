using System.Diagnostics;

namespace Fulfilment.Tests.Processes;

/// <summary>One service as a process of its own. When it says that a message has come at which it is to die it is killed there and then, and started again.</summary>
internal sealed class ServiceProcess : IDisposable
{
    private readonly Lock _lock = new();
    private readonly string[] _arguments;
    private readonly string _name;
    private readonly List<string> _kills;
    private readonly List<string> _said = [];
    private readonly TaskCompletionSource<string> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Process _process;
    private bool _isOver;

    /// <param name="name">The service.</param>
    /// <param name="kills">At which messages it dies: each is the message's type, or its type and order, and kills once; those that come at the same time kill together.</param>
    /// <param name="arguments">Its command line.</param>
    public ServiceProcess(string name, IEnumerable<string> kills, params string[] arguments)
    {
        _name = name;
        _kills = [.. kills];
        _arguments = arguments;
        _process = Start();
    }

    public string Name => _name;

    /// <summary>The last line of a checkout.</summary>
    public Task<string> Done => _done.Task;

    /// <summary>How often it was killed.</summary>
    public int Deaths { get; private set; }

    /// <summary>The messages at which it was to die that did not come.</summary>
    public IReadOnlyList<string> Missed
    {
        get
        {
            lock (_lock)
            {
                return [.. _kills];
            }
        }
    }

    public void Dispose()
    {
        Process last;
        lock (_lock)
        {
            if (_isOver)
            {
                return;
            }

            _isOver = true;
            last = _process;
        }

        if (!last.HasExited)
        {
            last.Kill();
            last.WaitForExit();
        }

        last.Dispose();
    }

    public override string ToString()
    {
        lock (_lock)
        {
            return $"--- {_name}, killed {Deaths} times:{Environment.NewLine}{string.Join(Environment.NewLine, _said.TakeLast(40))}{Environment.NewLine}";
        }
    }

    private Process Start()
    {
        var start = new ProcessStartInfo("dotnet", [typeof(Order).Assembly.Location, "--service", _name, .. _arguments]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Hear(process, line.Data);
        process.ErrorDataReceived += (_, line) => Hear(process, line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void Hear(Process process, string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_lock)
        {
            _said.Add(line);
            if (line.Contains(" orders: ", StringComparison.Ordinal))
            {
                _done.TrySetResult(line);
            }

            string hears = $"{_name} hears ";
            string? kill = line.StartsWith(hears, StringComparison.Ordinal) ? _kills.Find(kill => $"{line[hears.Length..]} ".StartsWith($"{kill} ", StringComparison.Ordinal)) : null;
            if (kill is null || _isOver)
            {
                return;
            }

            _kills.Remove(kill);
            if (process != _process)
            {
                return;                 // said between the kill and the death: it has died at this message, too, which may not come again
            }

            Deaths++;
            process.Kill();             // SIGKILL: it can do nothing about it
            process.WaitForExit(1_000 * 60);
            _process = Start();
        }
    }
}
