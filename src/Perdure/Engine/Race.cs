namespace Perdure.Engine;

/// <summary>Branches of a flow's code side by side, of which the first few decide.</summary>
/// <param name="count">How many.</param>
internal sealed class Race<T>(int count)
{
    private readonly List<(Scope Scope, Task<T> Task)> _open = [];
    private readonly List<Task<T>> _ended = new(count);

    public IEnumerable<Task<T>> Open => _open.Select(branch => branch.Task);

    public void Add(Scope scope, Task<T> task) => _open.Add((scope, task));

    /// <summary>Whether enough have ended, or one without a result.</summary>
    public bool IsDecided()
    {
        while (_ended.Count < count && !_ended.Exists(task => !task.IsCompletedSuccessfully))
        {
            int next = _open.FindIndex(branch => branch.Task.IsCompleted);
            if (next < 0)
            {
                return false;
            }

            _ended.Add(_open[next].Task);
            _open.RemoveAt(next);
        }

        return true;
    }

    public void WithdrawOthers()
    {
        foreach ((Scope scope, Task<T> task) in _open)
        {
            scope.End(() => new OperationCanceledException(count == 1 ? "Another branch was first." : "Other branches were first."));
            _ = task.ContinueWith(static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    /// <summary>The results of those that decided, in the order in which they ended; or what the last one threw.</summary>
    public async Task<T[]> ResultsAsync()
    {
        await _ended[^1];
        return [.. _ended.Select(task => task.Result)];
    }
}
