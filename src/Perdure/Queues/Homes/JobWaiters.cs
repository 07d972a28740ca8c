using Perdure.Engine;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>Clients that wait for the ends of jobs.</summary>
internal sealed class JobWaiters(Home home)
{
    /// <summary>How many of the last ends that nothing is kept of are remembered: who enqueues a job and then waits for it may come after its end.</summary>
    private const int RecentMax = 10_000;

    private readonly Dictionary<long, List<JobWaiter>> _waiters = [];
    private readonly Dictionary<long, JobEnd> _recent = [];
    private readonly Queue<long> _recentOrder = new();

    /// <summary>Those whom somebody awaits.</summary>
    public IEnumerable<JobWaiter> Awaited => _waiters.Values.SelectMany(w => w).Where(w => w.IsAwaited);

    /// <summary>Takes everybody who waits.</summary>
    public List<JobWaiter> TakeAll()
    {
        List<JobWaiter> all = [.. _waiters.Values.SelectMany(w => w)];
        _waiters.Clear();
        return all;
    }

    /// <summary>Waits for a job, or asks the store how it ended.</summary>
    public void Wait(JobWaiter waiter)
    {
        if (home.Find(waiter.Number) is not { } job)
        {
            if (_recent.TryGetValue(waiter.Number, out JobEnd? recent))
            {
                Tell([waiter], recent);
                return;
            }

            home.Shard.Commits.Then(new AskStore(this, waiter)); // its end may be on its way to the store
            return;
        }

        if (waiter.WantsFirstAttempt && job.Phase != JobPhase.Running)
        {
            Tell([waiter], new WaitAnswer()); // it was not tried at once
            return;
        }

        PutBack(waiter);
    }

    /// <summary>Waits on; after a takeover it asks again.</summary>
    public void PutBack(JobWaiter waiter)
    {
        if (!_waiters.TryGetValue(waiter.Number, out List<JobWaiter>? list))
        {
            _waiters.Add(waiter.Number, list = new(1));
        }

        list.Add(waiter);
    }

    public void Remove(JobWaiter waiter)
    {
        if (_waiters.TryGetValue(waiter.Number, out List<JobWaiter>? list) && list.Remove(waiter) && list.Count == 0)
        {
            _waiters.Remove(waiter.Number);
        }
    }

    public void Ended(Job job, JobEnd end, bool isKept)
    {
        if (!isKept)
        {
            Remember(job.Number, end);
        }

        if (_waiters.Remove(job.Number, out List<JobWaiter>? list))
        {
            Tell(list, end);
        }
    }

    /// <summary>An attempt failed for a reason that may pass: who wanted to know of the first one only is told.</summary>
    public void FirstAttemptFailed(Job job) => Take(job, w => w.WantsFirstAttempt, list => Tell(list, new WaitAnswer()));

    /// <summary>A subscriber has left: it no longer waits.</summary>
    public void Left(Job job, int subscriber, TimeSpan? limit)
    {
        Take(job, w => w.Subscriber == subscriber, list =>
        {
            if (limit is { } reached)
            {
                Tell(list, new WaitAnswer { Limit = reached });
            }
            else
            {
                Tell(list, new JobEnd(JobStatus.Cancelled, FlowJson.SerializeError(new ErrorInfo(ErrorKind.Cancelled, Diagnostics.ErrorCodes.JobCancelled, "Cancelled", "this caller has left")), job.Attempts));
            }
        });
    }

    /// <summary>After a takeover: everybody here who waits asks again; calls from other nodes are in the inbox.</summary>
    public void AskAgain() => TakeAll().FindAll(w => w.Call is null).ForEach(Wait);

    /// <summary>The store was asked for the end of a job that a client on another node waits for.</summary>
    public void EndRead(JobWaiter waiter, WaitAnswer? answer, PerdureException? error)
    {
        if (answer is null)
        {
            waiter.Refuse(error!);
        }
        else
        {
            waiter.Send(answer);
        }
    }

    /// <summary>What was decided may not be durable.</summary>
    public void ForgetRecent()
    {
        _recent.Clear();
        _recentOrder.Clear();
    }

    public void Fail(PerdureException reason) => TakeAll().ForEach(w => w.Fail(reason));

    private void Remember(long number, JobEnd end)
    {
        if (_recentOrder.Count == RecentMax)
        {
            _recent.Remove(_recentOrder.Dequeue());
        }

        _recent[number] = end;
        _recentOrder.Enqueue(number);
    }

    private void Take(Job job, Predicate<JobWaiter> which, Action<List<JobWaiter>> then)
    {
        if (_waiters.TryGetValue(job.Number, out List<JobWaiter>? list) && list.FindAll(which) is { Count: > 0 } taken)
        {
            list.RemoveAll(which);
            if (list.Count == 0)
            {
                _waiters.Remove(job.Number);
            }

            then(taken);
        }
    }

    private void Tell(List<JobWaiter> waiters, JobEnd end) => Tell(waiters, new WaitAnswer { End = end });

    /// <summary>Tells those who wait what is decided: those here once it is durable, those on other nodes in the same batch.</summary>
    private void Tell(List<JobWaiter> waiters, WaitAnswer answer)
    {
        if (waiters.Exists(w => w.Call is not null))
        {
            waiters.FindAll(w => w.Call is not null).ForEach(w => w.Send(answer));
            waiters = waiters.FindAll(w => w.Call is null);
        }

        if (waiters.Count > 0)
        {
            home.Shard.Commits.Then(new JobAnswers(home, waiters, answer));
        }
    }

    private async Task AskAsync(JobWaiter waiter)
    {
        WaitAnswer? answer = null;
        PerdureException? error = null;
        try
        {
            JobEndRow? end = (await home.Node.Store.ReadJobEndsAsync(home.Shard.Index, [waiter.Number], CancellationToken.None))[0];
            answer = end is null ? new WaitAnswer { IsMissing = true } : new WaitAnswer { End = new JobEnd(end.Status, end.Result!, end.Attempts) };
        }
        catch (Exception e)
        {
            error = e as PerdureException ?? new StoreException(Diagnostics.ErrorCodes.StoreFailed, e.Message, e);
        }

        if (waiter.Call is not null)
        {
            home.Shard.Post(new WaitedEndRead(waiter, answer, error));
        }
        else if (answer is null)
        {
            waiter.Fail(error!);
        }
        else
        {
            waiter.Tell(answer);
        }
    }

    /// <summary>Asks the store for an end once it must be there.</summary>
    private sealed class AskStore(JobWaiters waiters, JobWaiter waiter) : IEffect
    {
        public void Release() => _ = waiters.AskAsync(waiter);

        public void Lost(PerdureException reason) => waiters.PutBack(waiter);
    }
}

/// <summary>Tells those who waited for a job that its end is durable.</summary>
internal sealed class JobAnswers(Home home, List<JobWaiter> waiters, WaitAnswer answer) : IFreeEffect
{
    public void Release() => waiters.ForEach(w => w.Tell(answer));

    public void Lost(PerdureException reason) => waiters.ForEach(home.Waiters.PutBack); // they ask again when the home is back
}

/// <summary>The end of a job that a client on another node waits for was read.</summary>
internal sealed class WaitedEndRead(JobWaiter waiter, WaitAnswer? answer, PerdureException? error) : HomeMessage
{
    protected override void Deliver() => Home.Waiters.EndRead(waiter, answer, error);
}
