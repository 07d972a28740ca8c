using Perdure.Diagnostics;
using Perdure.Queues;

namespace Perdure.Worker;

/// <summary>One call of a handler: one job, or a batch of them. Its own token, time-out, service scope and span.</summary>
internal sealed class JobRun(JobRunner runner, HandlerDefinition handler, List<JobAttempt> attempts) : IThreadPoolWorkItem
{
    /// <summary>How long a handler may ignore its token before it is left behind.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private readonly TaskCompletionSource _ended = new(runner.Seams.Continuations);
    private readonly Lock _lock = new();
    private readonly HashSet<long> _unwanted = [];
    private CancellationTokenSource? _current;
    private volatile bool _shutdown;

    public List<JobAttempt> Attempts => attempts;

    public Task Ended => _ended.Task;

    public void Execute() => _ = RunAsync();

    /// <summary>One of the jobs is no longer wanted; when none is, the call's token is cancelled.</summary>
    public void Cancel(long number)
    {
        lock (_lock)
        {
            _unwanted.Add(number);
        }

        CancelIfDone();
    }

    /// <summary>The host stops: what has no outcome yet waits for the next process, and counts as no attempt.</summary>
    public void Shutdown()
    {
        _shutdown = true;
        CancelIfDone();
    }

    /// <summary>Cancels the call if there is no more use for it.</summary>
    private void CancelIfDone()
    {
        lock (_lock)
        {
            if (_current is { } source && (_shutdown || _unwanted.Count == attempts.Count))
            {
                runner.Seams.Cancel(source);
            }
        }
    }

    private async Task RunAsync()
    {
        JobReport[] reports;
        using (var source = new CancellationTokenSource())
        {
            lock (_lock)
            {
                _current = source;
            }

            CancelIfDone();
            try
            {
                reports = await ReportsAsync(source);
            }
            catch (Exception e)
            {
                reports = [.. attempts.Select(_ => new JobReport(null, runner.Errors.Sort(e)))];
            }

            lock (_lock)
            {
                _current = null;
            }
        }

        for (int i = 0; i < attempts.Count; i++)
        {
            // It counts as running until its home has taken the report, so that a reload in between does not start it again.
            if (_shutdown && reports[i].Result is null)
            {
                runner.Taken(attempts[i].Number);
            }
            else
            {
                attempts[i].Shard.Post(new JobReported(attempts[i].Number, reports[i]));
            }
        }

        _ended.TrySetResult();
    }

    private async Task<JobReport[]> ReportsAsync(CancellationTokenSource source)
    {
        await ReadPayloadsAsync();
        var services = new AttemptServices(runner.Scopes);
        using var span = PerdureSource.StartJob(attempts[0]);
        JobContext[] contexts = [.. attempts.Select(a => new JobContext(a, services, source.Token))];
        TimeSpan timeout = attempts.Min(a => a.Timeout);
        long started = runner.Seams.Time.GetTimestamp();
        try
        {
            Task<IReadOnlyList<JobOutcome>> call = CallAsync(contexts, services, source.Token);
            if (!call.IsCompleted)
            {
                await using ITimer timeUp = runner.Seams.Time.CreateTimer(static s => ((CancellationTokenSource)s!).Cancel(), source, timeout, Timeout.InfiniteTimeSpan);
                await OrLeaveAsync(call, source.Token);
            }

            IReadOnlyList<JobOutcome> outcomes = await call;
            return [.. outcomes.Select(o => o.Error is { } error ? new JobReport(null, Sorted(error, started, timeout, source)) : new JobReport(o.Result, null))];
        }
        catch (Exception e)
        {
            span?.SetStatus(System.Diagnostics.ActivityStatusCode.Error, e.Message);
            ErrorInfo error = Sorted(e, started, timeout, source);
            return [.. attempts.Select(_ => new JobReport(null, error))];
        }
        finally
        {
            await services.DisposeAsync();
        }
    }

    private Task<IReadOnlyList<JobOutcome>> CallAsync(JobContext[] contexts, IServiceProvider services, CancellationToken token)
    {
        return runner.Filter is { } filter ? filter.RunJobsAsync(handler, contexts, Handle) : Handle();

        Task<IReadOnlyList<JobOutcome>> Handle() => handler.RunAsync(contexts, attempts.ConvertAll(a => a.Payload!), runner.Json, services, token);
    }

    /// <summary>Reads the jobs that are no longer in memory.</summary>
    private async Task ReadPayloadsAsync()
    {
        List<JobAttempt> missing = attempts.FindAll(a => a.Payload is null);
        if (missing.Count > 0)
        {
            IReadOnlyList<byte[]?> payloads = await runner.Store.ReadPayloadsAsync(attempts[0].Shard.Index, missing.ConvertAll(a => a.Number), CancellationToken.None);
            for (int i = 0; i < missing.Count; i++)
            {
                missing[i].Payload = payloads[i];
            }
        }
    }

    /// <summary>Awaits the call; one that ignores its token is left behind after a grace.</summary>
    private async Task OrLeaveAsync(Task call, CancellationToken token)
    {
        var cancelled = new TaskCompletionSource(runner.Seams.Continuations);
        await using (token.UnsafeRegister(static s => ((TaskCompletionSource)s!).TrySetResult(), cancelled))
        {
            await Task.WhenAny(call, cancelled.Task);
        }

        if (!call.IsCompleted)
        {
            await Task.WhenAny(call, runner.Seams.Delay(Grace, CancellationToken.None));
        }

        if (!call.IsCompleted)
        {
            runner.Log.JobLeft(JobId.Text(attempts[0].Queue, attempts[0].Number), Grace);
            _ = call.ContinueWith(static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            throw new OperationCanceledException("it ignored its token, and was left behind", token);
        }
    }

    private ErrorInfo Sorted(Exception error, long started, TimeSpan timeout, CancellationTokenSource source)
    {
        bool timedOut = error is OperationCanceledException && source.IsCancellationRequested && runner.Seams.Time.GetElapsedTime(started) >= timeout;
        return timedOut
            ? new ErrorInfo(ErrorKind.Unknown, ErrorCodes.OutcomeUnknown, nameof(TimeoutException), $"it took longer than {timeout}")
            : runner.Errors.Sort(error);
    }
}
