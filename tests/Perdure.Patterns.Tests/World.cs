using System.Runtime.CompilerServices;

namespace Perdure.Patterns.Tests;

/// <summary>
/// What the steps of the patterns' flows do: they begin, and end when the test says so. Steps are on the one thread of the test's
/// processes, and the test looks while nothing moves there.
/// </summary>
public sealed class World
{
    private readonly List<Work> _running = [];
    private readonly List<string> _news = [];
    private bool _isOff;

    /// <summary>What runs now, in the order of the alphabet.</summary>
    public IReadOnlyList<string> Running => [.. _running.Select(work => work.Text).Order(StringComparer.Ordinal)];

    /// <summary>The names of the steps that run, as many times as they do.</summary>
    public IEnumerable<string> StepNames => _running.Select(work => work.Step);

    internal async Task<T> DoAsync<T>(string text, string method, CancellationToken stop)
    {
        var work = new Work(text, method.Replace("Async", ""), new TaskCompletionSource<object?>(TaskCreationOptions.RunContinuationsAsynchronously));
        _running.Add(work);
        Note($"begin {text}");
        await using CancellationTokenRegistration registration = stop.Register(() => Withdraw(work));
        return await work.Done.Task is T result ? result : default!;
    }

    /// <summary>Lets a step end, with a result or an exception.</summary>
    public void End(string text, object? result)
    {
        Work work = _running.Find(work => work.Text == text)
            ?? throw new InvalidOperationException($"{text} does not run. What runs: {string.Join(", ", Running)}.");
        _running.Remove(work);
        if (result is Exception error)
        {
            work.Done.SetException(error);
        }
        else
        {
            work.Done.SetResult(result);
        }
    }

    /// <summary>What happened since the last time; what happened at once has no order, so it comes in that of the alphabet, withdrawals last.</summary>
    public IReadOnlyList<string> TakeNews()
    {
        string[] news = [.. _news.Order(StringComparer.Ordinal)];
        _news.Clear();
        return news;
    }

    /// <summary>The process ends: what runs is forgotten. What begins again when the next one is up is no news.</summary>
    public void SwitchOff()
    {
        _isOff = true;
        _running.Clear();
    }

    public void SwitchOn() => _isOff = false;

    private void Withdraw(Work work)
    {
        if (_running.Remove(work))
        {
            Note($"withdraw {work.Text}");
        }

        work.Done.TrySetCanceled();
    }

    private void Note(string text)
    {
        if (!_isOff)
        {
            _news.Add(text);
        }
    }

    private sealed record Work(string Text, string Step, TaskCompletionSource<object?> Done);
}

/// <summary>A service whose calls are <see cref="World"/>'s: named after the method, and what it is about.</summary>
public abstract class Service(World world)
{
    protected Task DoAsync(object? about = null, CancellationToken stop = default, [CallerMemberName] string method = "")
        => ReplyAsync<object?>(about, stop, method);

    protected Task<T> ReplyAsync<T>(object? about = null, CancellationToken stop = default, [CallerMemberName] string method = "")
        => world.DoAsync<T>($"{method.Replace("Async", "")} {about}".Trim(), method, stop);
}
