namespace Perdure.Engine;

/// <summary>Branches of a flow's code side by side, of which the first few decide.</summary>
/// <remarks>
/// The branch in which the run passes its pivot is among those that decide, whoever ended before it: what it did cannot be undone, so the
/// flow's code must hear of it. While a step that may be the pivot is open in a branch that would lose, nothing is decided.
/// </remarks>
/// <param name="count">How many.</param>
internal sealed class Race<T>(int count)
{
    private readonly List<Branch> _open = [];
    private readonly List<Branch> _ended = new(count);

    public IEnumerable<Task<T>> Open => _open.Select(branch => branch.Task);

    public void Add(Scope scope, Task<T> task)
    {
        _open.Add(new Branch(scope, task));
        _ = task.ContinueWith(static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Whether enough have ended, or one without a result.</summary>
    public bool IsDecided()
    {
        while (_ended.Count < count && !_ended.Exists(branch => !branch.Task.IsCompletedSuccessfully))
        {
            int next = _open.FindIndex(branch => branch.Task.IsCompleted);
            if (next < 0)
            {
                return false;
            }

            _ended.Add(_open[next]);
            _open.RemoveAt(next);
        }

        return true;
    }

    /// <summary>Withdraws the branches that lost. One that has passed the pivot goes on; one that may pass it comes to an outcome first.</summary>
    /// <returns>What must end before the race is decided, and this is called again.</returns>
    public List<Task> WithdrawOthers()
    {
        List<Task> undecided = [];
        foreach (Branch branch in _open)
        {
            if (branch.Scope.HasPassedPivot)
            {
                undecided.Add(branch.Task);
            }
            else if (branch.Scope.MayPassPivot)
            {
                branch.Scope.LimitBy(Lost);
                branch.Scope.LimitIsUp();
                undecided.Add(branch.Scope.Settled);
            }
            else
            {
                branch.Scope.End(Lost);
            }
        }

        undecided.RemoveAll(task => task.IsCompleted);
        return undecided;
    }

    /// <summary>The results of those that decided, in the order in which they ended; or what the last one threw.</summary>
    public async Task<T[]> ResultsAsync()
    {
        // Where one failed before enough had ended, there is no place to give away, and its exception stands.
        if (_ended.Count == count && _open.Find(branch => branch.Scope.HasPassedPivot) is { } passed)
        {
            _ended[^1].Scope.End(Lost);
            _ended[^1] = passed;
        }

        await _ended[^1].Task;
        return [.. _ended.Select(branch => branch.Task.Result)];
    }

    private OperationCanceledException Lost() => new(count == 1 ? "Another branch was first." : "Other branches were first.");

    private sealed record Branch(Scope Scope, Task<T> Task);
}
