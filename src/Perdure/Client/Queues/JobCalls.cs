using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Events;
using Perdure.Hosting;
using Perdure.Queues;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Client;

/// <summary>The calls of clients about jobs: they turn values into messages to the queues' home, and wait for the answers.</summary>
internal sealed class JobCalls(NodeHolder holder, QueueRegistry registry)
{
    public QueueRegistry Registry => registry;

    public Node Node => holder.Node;

    public Task<JobHandle> EnqueueAsync(IJob job, JobOptions? options, CancellationToken cancellationToken)
    {
        try
        {
            return TellAsync(new EnqueueJob(this, Prepare(job, options)), cancellationToken);
        }
        catch (Exception e)
        {
            return Task.FromException<JobHandle>(e); // without a state machine: most callers have nothing to wait for but the answer
        }
    }

    public Task<JobHandle<TResult>> EnqueueAsync<TResult>(IJob<TResult> job, JobOptions? options, CancellationToken cancellationToken)
    {
        try
        {
            NewJob wanted = Prepare(job, options);
            return TellAsync(new EnqueueJob<TResult>(this, wanted, new JobWaiter(wanted.Queue, 0, 0)), cancellationToken);
        }
        catch (Exception e)
        {
            return Task.FromException<JobHandle<TResult>>(e);
        }
    }

    public async Task<IReadOnlyList<JobHandle>> EnqueueManyAsync(IEnumerable<IJob> jobs, JobOptions? options, CancellationToken cancellationToken)
    {
        List<NewJob> wanted = [.. jobs.Select(j => Prepare(j, options))];
        if (wanted.Count == 0)
        {
            return [];
        }

        Receipt[] receipts = await AskAsync(new EnqueueJobs(wanted, waiter: null), cancellationToken);
        return [.. receipts.Select((r, i) => JobHandle.Of(this, wanted[i].Queue, r.Number, r.Subscriber, (Enqueued)r.Kind))];
    }

    /// <summary>Makes a job durable, tries it at once, and waits for that attempt for as long as the budget lasts.</summary>
    public async Task<NowOrLater<TResult>> TryNowAsync<TResult>(IJob<TResult> job, TimeSpan budget, JobOptions? options, WhenStoreDown whenStoreDown, CancellationToken cancellationToken)
    {
        WantedJobs.Require(budget > TimeSpan.Zero && budget < TimeSpan.FromDays(1), "a budget", "more than zero and less than a day");
        NewJob wanted = Prepare(job, options) with { Now = budget };
        var waiter = new JobWaiter(wanted.Queue, 0, 0, wantsFirstAttempt: true);
        long began = Node.Seams.Time.GetTimestamp();
        Receipt receipt;
        try
        {
            receipt = await ReceiptWithinAsync(new EnqueueJobs([wanted], waiter), budget, cancellationToken);
        }
        catch (StoreUnavailableException) when (whenStoreDown == WhenStoreDown.RunUnrecorded)
        {
            return await RunUnrecordedAsync<TResult>(wanted, budget, cancellationToken);
        }

        var handle = new JobHandle<TResult>(this, wanted.Queue, receipt.Number, receipt.Subscriber) { Enqueued = (Enqueued)receipt.Kind };
        if (receipt.Kind == ReceiptKind.Dropped)
        {
            return new NowOrLater<TResult>(handle, isDone: false, default, rejection: null);
        }

        TimeSpan left = budget - Node.Seams.Time.GetElapsedTime(began);
        JobEnd? end = await EndWithinAsync(waiter, left > TimeSpan.Zero ? left : TimeSpan.Zero, cancellationToken);
        return end switch
        {
            null => new NowOrLater<TResult>(handle, isDone: false, default, rejection: null),
            { Status: JobStatus.Failed } when FlowJson.DeserializeError(end.Result) is { Kind: ErrorKind.Rejected } error => new NowOrLater<TResult>(handle, isDone: false, default, error.Message),
            _ => new NowOrLater<TResult>(handle, isDone: true, ResultOf<TResult>(handle.Id, end), rejection: null),
        };
    }

    public async Task<TResult> ResultAsync<TResult>(string queue, long number, int? subscriber, CancellationToken cancellationToken)
    {
        var waiter = new JobWaiter(queue, number, subscriber ?? -1);
        Node.HomeShard.Post(waiter);
        return ResultOf<TResult>(JobId.Text(queue, number), (await EndAsync(waiter, cancellationToken))!);
    }

    public async Task<TResult> ResultOfAsync<TResult>(string queue, JobWaiter waiter, CancellationToken cancellationToken)
    {
        if (!waiter.Task.IsCompleted)
        {
            Node.HomeShard.Post(new JobAwaited(waiter));
        }

        return ResultOf<TResult>(JobId.Text(queue, waiter.Number), (await EndAsync(waiter, cancellationToken))!);
    }

    public Task<CancelAnswer> CancelAsync(long number, int? subscriber, string reason, CancellationToken cancellationToken)
        => AskAsync(new CancelJob(number, subscriber, reason), cancellationToken);

    public async Task<JobInfo> DescribeAsync(string queue, long number, CancellationToken cancellationToken)
    {
        if (await AskAsync(new DescribeJob(number), cancellationToken) is { } info)
        {
            return info;
        }

        JobEndRow? end = (await Node.Store.ReadJobEndsAsync(Node.HomeShard.Index, [number], cancellationToken))[0];
        return end is null ? throw new JobNotFoundException(JobId.Text(queue, number)) : JobInfos.Of(end);
    }

    public async Task<TAnswer> AskAsync<TAnswer>(HomeCall<TAnswer> call, CancellationToken cancellationToken) => await TellAsync(call, cancellationToken);

    private Task<TAnswer> TellAsync<TAnswer>(HomeCall<TAnswer> call, CancellationToken cancellationToken)
    {
        Node.HomeShard.Post(call);
        return call.Task.WaitAsync(cancellationToken);
    }

    /// <summary>A job as it stands in an inbox, where nobody waits for the answer.</summary>
    public InboxRow EnqueueRow(IJob job, JobOptions? options) => RowOf(new EnqueueJobs([Prepare(job, options)], waiter: null));

    /// <summary>What is asked of the home as it stands in its inbox, where nobody waits for the answer.</summary>
    public InboxRow RowOf(HomeAsk ask) => ask.ToRow(Node.HomeShard.Index, InboxId.OfTransaction(Node.Seams.NewGuid()));

    /// <summary>Resolves what a job's contract and its caller say, and refuses what does not hold together.</summary>
    public NewJob Prepare(IJob job, JobOptions? given)
    {
        NewJob wanted = WantedJobs.Prepare(registry, Node.Services.Json, job, given, PerdureSource.Current);
        return CurrentCause.Value is { } cause ? wanted with { Correlation = cause.Correlation, Cause = cause.Text } : wanted;
    }

    /// <summary>Waits for a job's end; whoever stops waiting is forgotten.</summary>
    private async Task<JobEnd?> EndAsync(JobWaiter waiter, CancellationToken cancellationToken)
    {
        try
        {
            return await waiter.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            Node.HomeShard.Post(new StopAsking(waiter));
            throw;
        }
    }

    /// <summary>Waits until the job is durable, but not for longer than the budget.</summary>
    private async Task<Receipt> ReceiptWithinAsync(EnqueueJobs call, TimeSpan budget, CancellationToken cancellationToken)
    {
        // Not by WhenAny: where the answer and the end of the budget come together, the answer counts.
        await using ITimer late = Node.Seams.Time.CreateTimer(static c => ((EnqueueJobs)c!).GiveUp(), call, budget, Timeout.InfiniteTimeSpan);
        Node.HomeShard.Post(call);
        try
        {
            return (await call.Task.WaitAsync(cancellationToken))[0];
        }
        catch (Exception e) when (e is OperationCanceledException or StoreUnavailableException)
        {
            call.Withdraw();
            Node.HomeShard.Post(new StopAsking(call));
            throw;
        }
    }

    /// <summary>Waits for a job's end or its first attempt's, but not for longer than the budget.</summary>
    private async Task<JobEnd?> EndWithinAsync(JobWaiter waiter, TimeSpan budget, CancellationToken cancellationToken)
    {
        await using ITimer late = Node.Seams.Time.CreateTimer(static w => ((JobWaiter)w!).Ended(null), waiter, budget, Timeout.InfiniteTimeSpan);
        JobEnd? end = await EndAsync(waiter, cancellationToken);
        if (end is null)
        {
            Node.HomeShard.Post(new StopAsking(waiter));
        }

        return end;
    }

    private async Task<NowOrLater<TResult>> RunUnrecordedAsync<TResult>(NewJob wanted, TimeSpan budget, CancellationToken cancellationToken)
    {
        HandlerDefinition handler = registry.HandlerOf(wanted.Queue, wanted.Type.Name)
            ?? throw new PerdureException(ErrorCodes.UnknownHandler, $"queue {wanted.Queue} has no handler for job {wanted.Type.Name} in this process.");
        try
        {
            byte[] result = await Node.Jobs.RunUnrecordedAsync(handler, wanted, budget, cancellationToken);
            return new NowOrLater<TResult>(job: null, isDone: true, Node.Services.Json.Deserialize<TResult>(result, $"the result of job {wanted.Type.Name}"), rejection: null);
        }
        catch (Exception e) when (Node.Errors.Sort(e) is { Kind: ErrorKind.Rejected } error)
        {
            return new NowOrLater<TResult>(job: null, isDone: false, default, error.Message);
        }
    }

    private TResult ResultOf<TResult>(string job, JobEnd end)
    {
        if (end.Status == JobStatus.Completed)
        {
            return Node.Services.Json.Deserialize<TResult>(end.Result, $"the result of job {job}");
        }

        ErrorInfo error = FlowJson.DeserializeError(end.Result);
        throw end.Status == JobStatus.Cancelled ? new JobCancelledException(job, error)
            : error.Kind == ErrorKind.Rejected ? new RejectedException($"job {job}", error)
            : new JobFailedException(job, end.Attempts, error);
    }
}
