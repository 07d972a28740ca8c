using Perdure.Diagnostics;
using Perdure.Events;
using Perdure.Queues;
using Perdure.Storage;

namespace Perdure.Worker;

/// <summary>One call of a handler: one job, or a batch of them. Its own token, time-out, service scope and span.</summary>
internal sealed class JobRun(JobRunner runner, HandlerDefinition handler, JobAttempt[] attempts) : IThreadPoolWorkItem
{
    /// <summary>How long a handler may ignore its token before it is left behind.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan ReadPause = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private HashSet<long>? _unwanted;
    private CancellationTokenSource? _current;
    private TaskCompletionSource? _ended;
    private bool _hasEnded;
    private volatile bool _shutdown;
    private volatile bool _abandoned;

    public IReadOnlyList<JobAttempt> Attempts => attempts;

    public Task Ended
    {
        get
        {
            lock (_lock)
            {
                return _hasEnded ? Task.CompletedTask : (_ended ??= new(runner.Seams.Continuations)).Task;
            }
        }
    }

    public void Execute() => _ = RunAsync();

    /// <summary>One of the jobs is no longer wanted; when none is, the call's token is cancelled.</summary>
    public void Cancel(long number)
    {
        lock (_lock)
        {
            (_unwanted ??= []).Add(number);
            CancelIfDone();
        }
    }

    /// <summary>The host stops: what has no outcome yet waits for the next process, and counts as no attempt.</summary>
    public void Shutdown()
    {
        lock (_lock)
        {
            _shutdown = true;
            CancelIfDone();
        }
    }

    /// <summary>Whoever gave the jobs does not hear of them any more, and gives them to others.</summary>
    public void Abandon()
    {
        _abandoned = true;
        Shutdown();
    }

    private async Task RunAsync()
    {
        using (var source = new CancellationTokenSource())
        {
            lock (_lock)
            {
                _current = source;
                CancelIfDone();
            }

            JobReport[]? reports = null;
            JobReport? report = null;
            try
            {
                reports = attempts.Length == 1 ? null : await ReportsAsync(source);
                report = reports is null ? await ReportAsync(source) : null;
            }
            catch (Exception e)
            {
                // What stands around the call threw: its services when they were disposed of, a rule for errors. The home must hear of it all the same.
                report = new JobReport(null, new ErrorInfo(ErrorKind.Unknown, ErrorCodes.OutcomeUnknown, e.GetType().Name, e.Message));
            }

            lock (_lock)
            {
                _current = null;
            }

            for (int i = 0; i < attempts.Length; i++)
            {
                Tell(attempts[i], report ?? reports![i]);
            }
        }

        lock (_lock)
        {
            _hasEnded = true;
            _ended?.TrySetResult();
        }
    }

    /// <summary>Cancels the call if there is no more use for it. Under the lock.</summary>
    private void CancelIfDone()
    {
        if (_current is { } source && (_shutdown || _unwanted?.Count == attempts.Length))
        {
            runner.Seams.Cancel(source);
        }
    }

    private void Tell(JobAttempt attempt, JobReport report)
    {
        // It counts as running until its home has taken the report, so that a reload in between does not start it again.
        if (_abandoned)
        {
            return;
        }

        if (_shutdown && report.Result is null)
        {
            runner.Taken(attempt.Number, this);
            attempt.Given?.Report(attempt.Number, null);
        }
        else
        {
            attempt.Report(report);
        }
    }

    /// <summary>Makes the attempt of one job.</summary>
    private async ValueTask<JobReport> ReportAsync(CancellationTokenSource source)
    {
        JobAttempt attempt = attempts[0];
        var services = new AttemptServices(runner.Scopes);
        using var span = PerdureSource.StartJob(attempt);
        long started = runner.Seams.Time.GetTimestamp();
        try
        {
            await ReadPayloadsAsync(source.Token);
            CurrentCause.Value = attempt;
            var context = new JobContext(attempt, services, source.Token);
            ValueTask<byte[]> call = runner.Filter is { } filter
                ? new(filter.RunJobsAsync(() => handler.RunAsync(context, attempt.Payload!, runner.Json).AsTask()))
                : handler.RunAsync(context, attempt.Payload!, runner.Json);
            return new JobReport(call.IsCompleted ? await call : await InTimeAsync(call.AsTask(), source, attempt.Timeout), null);
        }
        catch (Exception e)
        {
            span?.SetStatus(System.Diagnostics.ActivityStatusCode.Error, e.Message);
            return new JobReport(null, Sorted(e, started, attempt.Timeout, source));
        }
        finally
        {
            await services.DisposeAsync();
        }
    }

    /// <summary>Makes the attempts of a batch.</summary>
    private async Task<JobReport[]> ReportsAsync(CancellationTokenSource source)
    {
        var services = new AttemptServices(runner.Scopes);
        using var span = PerdureSource.StartJob(attempts[0]);
        TimeSpan timeout = attempts.Min(a => a.Timeout);
        long started = runner.Seams.Time.GetTimestamp();
        try
        {
            await ReadPayloadsAsync(source.Token);
            JobContext[] contexts = [.. attempts.Select(a => new JobContext(a, services, source.Token))];
            Task<JobOutcome[]> call = runner.Filter is { } filter ? filter.RunJobsAsync(Handle) : Handle();
            return [.. (await InTimeAsync(call, source, timeout)).Select(o => o.Error is { } error ? new JobReport(null, Sorted(error, started, timeout, source)) : new JobReport(o.Result, null))];

            Task<JobOutcome[]> Handle() => handler.RunAsync(contexts, [.. attempts.Select(a => a.Payload!)], runner.Json, services, source.Token);
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

    /// <summary>Reads the jobs that are no longer in memory. A store that is out of reach is no failure of theirs: it is asked again.</summary>
    private async ValueTask ReadPayloadsAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (Array.Exists(attempts, static a => a.Payload is null))
            {
                await TryReadPayloadsAsync(Array.FindAll(attempts, static a => a.Payload is null), cancellationToken);
            }
        }
        finally
        {
            runner.Log.Outage.Ended(this);
        }

        cancellationToken.ThrowIfCancellationRequested(); // nobody may want it any more by now
    }

    private async ValueTask TryReadPayloadsAsync(JobAttempt[] missing, CancellationToken cancellationToken)
    {
        try
        {
            IReadOnlyList<byte[]?> payloads = await runner.Store.ReadPayloadsAsync(attempts[0].Shard.Index, [.. missing.Select(a => a.Number)], CancellationToken.None);
            for (int i = 0; i < missing.Length; i++)
            {
                missing[i].Payload = payloads[i] ?? throw new JobNotFoundException(JobId.Text(missing[i].Queue, missing[i].Number));
            }
        }
        catch (StoreException e)
        {
            runner.Log.Outage.Failed(this, e);
            await runner.Seams.Delay(ReadPause, cancellationToken);
        }
    }

    /// <summary>Awaits the call until its time is up; one that then ignores its token is left behind after a grace.</summary>
    private async Task<T> InTimeAsync<T>(Task<T> call, CancellationTokenSource source, TimeSpan timeout)
    {
        await using ITimer timeUp = runner.Seams.Time.CreateTimer(TimeUp.Cancel, source, timeout, Timeout.InfiniteTimeSpan);
        var cancelled = new TaskCompletionSource(runner.Seams.Continuations);
        await using (source.Token.UnsafeRegister(static s => ((TaskCompletionSource)s!).TrySetResult(), cancelled))
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
            throw new OperationCanceledException("it ignored its token, and was left behind", source.Token);
        }

        return await call;
    }

    private ErrorInfo Sorted(Exception error, long started, TimeSpan timeout, CancellationTokenSource source)
    {
        bool timedOut = error is OperationCanceledException && source.IsCancellationRequested && runner.Seams.Time.GetElapsedTime(started) >= timeout;
        return timedOut
            ? new ErrorInfo(ErrorKind.Unknown, ErrorCodes.OutcomeUnknown, nameof(TimeoutException), $"it took longer than {timeout}")
            : runner.Errors.Sort(error);
    }
}
