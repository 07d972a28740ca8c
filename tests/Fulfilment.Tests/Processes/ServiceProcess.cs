using System.Diagnostics;

namespace Fulfilment.Tests.Processes;

/// <summary>One service as a process of its own, that is killed and started again as often as it is told to be.</summary>
internal sealed class ServiceProcess : IDisposable
{
    private readonly Lock _lock = new();
    private readonly string[] _arguments;
    private readonly Action<string> _hears;
    private readonly List<string> _said = [];
    private readonly TaskCompletionSource<string> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Process _process;
    private bool _isUp;
    private int _kills;
    private bool _isOver;

    /// <param name="name">The service.</param>
    /// <param name="hears">Is told of each message that has come to it: who hears, its type, and its order.</param>
    /// <param name="arguments">Its command line.</param>
    public ServiceProcess(string name, Action<string> hears, params string[] arguments)
    {
        Name = name;
        _hears = hears;
        _arguments = arguments;
        _process = Start();
    }

    public string Name { get; }

    /// <summary>The last line of a checkout.</summary>
    public Task<string> Done => _done.Task;

    /// <summary>How often it was started: once, and once more for each kill.</summary>
    public int Starts { get; private set; }

    /// <summary>Kills it at once, as it can do nothing about, and starts it again. One that is only starting dies when it is up, since it has done nothing yet.</summary>
    public void Kill()
    {
        lock (_lock)
        {
            _kills++;
            DieIfUp();
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
            return $"--- {Name}, started {Starts} times:{Environment.NewLine}{string.Join(Environment.NewLine, _said.TakeLast(40))}{Environment.NewLine}";
        }
    }

    private Process Start()
    {
        var start = new ProcessStartInfo("dotnet", [typeof(Order).Assembly.Location, "--service", Name, .. _arguments]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Hear(process, line.Data);
        process.ErrorDataReceived += (_, line) => Hear(process, line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        Starts++;
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

            if (process == _process && line.Contains("Kill this process whenever you like", StringComparison.Ordinal))
            {
                _isUp = true;
                DieIfUp();
            }
        }

        string hears = $"{Name} hears ";
        if (line.StartsWith(hears, StringComparison.Ordinal))
        {
            _hears($"{Name} {line[hears.Length..]}");       // which may kill another, so not under the lock
        }
    }

    private void DieIfUp()
    {
        if (_kills == 0 || !_isUp || _isOver)
        {
            return;
        }

        _kills--;
        _isUp = false;
        _process.Kill();                // SIGKILL; a checkout whose orders have ended may have gone by itself
        _process.WaitForExit(1_000 * 60);
        _process = Start();
    }
}
