using System.Diagnostics;
using System.Text;

namespace Orders.Tests;

/// <summary>The sample in a process of its own, its output in a pipe.</summary>
internal sealed class Sample : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();
    private readonly List<(Predicate<string> Wanted, TaskCompletionSource<string> Said)> _awaited = [];

    private Sample(Process process) => _process = process;

    public string Output => Text(_output);

    public string Errors => Text(_errors);

    public static Sample Start(params string[] args)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(CreateOrder).Assembly.Location, .. args]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        var sample = new Sample(new Process { StartInfo = start });
        sample._process.OutputDataReceived += (_, line) => sample.Hear(line.Data, sample._output);
        sample._process.ErrorDataReceived += (_, line) => sample.Hear(line.Data, sample._errors);
        sample._process.Start();
        sample._process.BeginOutputReadLine();
        sample._process.BeginErrorReadLine();
        return sample;
    }

    public async Task<int> ExitCodeAsync()
    {
        try
        {
            await _process.WaitForExitAsync().WaitAsync(Deadline.Time);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"it has not ended in {Deadline.Time}, and said: {this}", e);
        }

        return _process.ExitCode;
    }

    /// <summary>Waits for a line of output, one that came already included.</summary>
    public Task<string> SaysAsync(Predicate<string> wanted)
    {
        lock (_awaited)
        {
            var said = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            _awaited.Add((wanted, said));
            if (Array.Find(_output.ToString().Split('\n'), wanted) is { } line)
            {
                said.SetResult(line);
            }

            return said.Task.WaitAsync(Deadline.Time);
        }
    }

    /// <summary>SIGKILL: it can do nothing about it.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }

    public override string ToString() => $"{Output}{Errors}";

    private void Hear(string? line, StringBuilder to)
    {
        if (line is null)
        {
            return;
        }

        lock (_awaited)
        {
            to.AppendLine(line);
            foreach ((Predicate<string> wanted, TaskCompletionSource<string> said) in _awaited)
            {
                if (wanted(line))
                {
                    said.TrySetResult(line);
                }
            }
        }
    }

    private string Text(StringBuilder text)
    {
        lock (_awaited)
        {
            return text.ToString();
        }
    }
}
