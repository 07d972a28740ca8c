using System.Collections.Concurrent;
using Orders.Services;

namespace Orders.Tests;

/// <summary>A network that carries every call, but for those commands that a test scripts.</summary>
public sealed class ScriptedNetwork : INetwork
{
    private readonly ConcurrentDictionary<string, Func<Call, Func<Task>, CancellationToken, Task>> _scripts = new();
    private readonly ConcurrentQueue<Call> _calls = new();

    /// <summary>How often a command was called, whatever came of it.</summary>
    public int Calls(string command) => _calls.Count(call => call.Command == command);

    /// <summary>What happens to a command from now on; null: it is carried like all others.</summary>
    /// <param name="command">The command.</param>
    /// <param name="script">Takes the call, and a delegate that delivers it to its service. The answer follows when the script is through.</param>
    public ScriptedNetwork On(string command, Func<Call, Func<Task>, CancellationToken, Task>? script)
    {
        if (script is null)
        {
            _scripts.TryRemove(command, out _);
        }
        else
        {
            _scripts[command] = script;
        }

        return this;
    }

    public ScriptedNetwork Unavailable(string command) => On(command, (call, _, _) => throw new ServiceUnavailableException(call));

    public ScriptedNetwork TimesOut(string command) => On(command, (call, _, _) => throw new TimeoutException($"{call} was not answered"));

    public async Task<T> CallAsync<T>(Call call, Func<Task<T>> work, CancellationToken cancellationToken)
    {
        _calls.Enqueue(call);
        Task<T>? answer = null;
        if (_scripts.TryGetValue(call.Command, out var script))
        {
            await script(call, () => answer = work(), cancellationToken);
        }

        return await (answer ?? work());
    }
}

/// <summary>A gate in a script: the test learns that a call came, and lets it go on.</summary>
public sealed class Gate
{
    private readonly TaskCompletionSource _came = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Came => _came.Task.WaitAsync(Deadline.Time);

    public void Open() => _opened.TrySetResult();

    public Task PassAsync(CancellationToken cancellationToken)
    {
        _came.TrySetResult();
        return _opened.Task.WaitAsync(cancellationToken);
    }
}

/// <summary>After so long what a test waits for will not come.</summary>
public static class Deadline
{
    public static readonly TimeSpan Time = TimeSpan.FromSeconds(60);

    /// <summary>Asks until it is so.</summary>
    public static async Task UntilAsync(Func<Task<bool>> isSo, string what)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        using var late = new CancellationTokenSource(Time);
        while (!await isSo())
        {
            late.IsCancellationRequested.ShouldBeFalse($"waited in vain until {what}");
            await timer.WaitForNextTickAsync(CancellationToken.None);
        }
    }
}
