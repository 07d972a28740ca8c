using System.Runtime.CompilerServices;

namespace Perdure.Patterns.Tests;

/// <summary>What the steps of the patterns' flows do: they begin, and end when the test says so.</summary>
public sealed class World
{
    private readonly Lock _lock = new();
    private readonly List<Work> _running = [];
    private readonly List<string> _news = [];
    private bool _isOff;

    /// <summary>What runs now, in the order of the alphabet.</summary>
    public IReadOnlyList<string> Running
    {
        get
        {
            lock (_lock)
            {
                return [.. _running.Select(work => work.Text).Order(StringComparer.Ordinal)];
            }
        }
    }

    /// <summary>How many began, ended or were withdrawn.</summary>
    public int Changes { get; private set; }

    internal async Task<T> DoAsync<T>(string text, string method, CancellationToken stop)
    {
        var work = new Work(text, method.Replace("Async", ""), new TaskCompletionSource<object?>(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (_lock)
        {
            Changes++;
            _running.Add(work);
            Note($"begin {text}");
        }

        await using CancellationTokenRegistration registration = stop.Register(() => Withdraw(work));
        return await work.Done.Task is T result ? result : default!;
    }

    /// <summary>The names of the steps that run, as many times as they do.</summary>
    public IEnumerable<string> StepNames()
    {
        lock (_lock)
        {
            return [.. _running.Select(work => work.Step).Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>Lets a step end, with a result or an exception.</summary>
    public void End(string text, object? result)
    {
        Work work = Take(text);
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
        lock (_lock)
        {
            string[] news = [.. _news.Order(StringComparer.Ordinal)];
            _news.Clear();
            return news;
        }
    }

    public bool HasNews(string text)
    {
        lock (_lock)
        {
            return _news.Contains(text);
        }
    }

    /// <summary>The process ends: what runs is forgotten. What begins again when the next one is up is no news.</summary>
    public void SwitchOff()
    {
        lock (_lock)
        {
            _isOff = true;
            _running.Clear();
        }
    }

    public void SwitchOn()
    {
        lock (_lock)
        {
            _isOff = false;
        }
    }

    private void Withdraw(Work work)
    {
        lock (_lock)
        {
            if (_running.Remove(work))
            {
                Changes++;
                Note($"withdraw {work.Text}");
            }
        }

        work.Done.TrySetCanceled();
    }

    private Work Take(string text)
    {
        lock (_lock)
        {
            Changes++;
            Work work = _running.Find(work => work.Text == text)
                ?? throw new InvalidOperationException($"{text} does not run. What runs: {string.Join(", ", _running.Select(w => w.Text))}.");
            _running.Remove(work);
            return work;
        }
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
