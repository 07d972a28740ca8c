using System.Text.Json;
using Perdure.Client;
using Perdure.Cluster;
using Perdure.Diagnostics;
using Perdure.Queues;

namespace Perdure;

/// <summary>A job that a worker outside has pulled, and its right to it.</summary>
/// <remarks>
/// The worker counts the time from before it pulled or renewed, and stops work on the job at <see cref="LeaseUntil"/> at the latest. From then
/// on another worker may have it, and calls here are refused (PRD1021). A call that ended with a <see cref="StoreUnavailableException"/> can
/// be repeated: it is refused with PRD1021 if it had taken effect.
/// </remarks>
public sealed class LeasedJob
{
    private readonly JobCalls _calls;
    private readonly LeasedRow _row;
    private readonly byte[] _payload;
    private long _until;

    internal LeasedJob(JobCalls calls, LeasedRow row, byte[] payload)
    {
        _calls = calls;
        _row = row;
        _payload = payload;
        _until = row.Until.UtcTicks;
    }

    /// <summary>The job's id, the same for every attempt.</summary>
    public string Id => JobId.Text(_row.Queue, _row.Number);

    /// <summary>The queue.</summary>
    public string Queue => _row.Queue;

    /// <summary>The durable name of its contract.</summary>
    public string Type => _row.Type;

    /// <summary>The job's key; null if it has none.</summary>
    public string? Key => _row.Key;

    /// <summary>1 for the first attempt. Attempts whose lease ended are not counted.</summary>
    public int Attempt => _row.Attempt;

    /// <summary>The time for which a schedule made the job; null for other jobs.</summary>
    public DateTimeOffset? ScheduledFor => _row.ScheduledFor;

    /// <summary>The trace that the job belongs to (W3C traceparent); null for none.</summary>
    public string? TraceParent => _row.TraceParent;

    /// <summary>Until when the job is this worker's, by the clock of the queue's process, as last renewed.</summary>
    public DateTimeOffset LeaseUntil => new(Interlocked.Read(ref _until), TimeSpan.Zero);

    /// <summary>The job itself (JSON).</summary>
    public ReadOnlyMemory<byte> Payload => _payload;

    /// <summary>The job itself.</summary>
    /// <exception cref="PerdureException">The JSON does not fit the type (PRD1006).</exception>
    public T Read<T>() => _calls.Node.Services.Json.Deserialize<T>(_payload, $"job {Id}");

    /// <summary>What an earlier attempt saved last; nothing if none did.</summary>
    public Maybe<T> Saved<T>()
        => _row.Saved is { } saved ? new Maybe<T>(_calls.Node.Services.Json.Deserialize<T>(JsonSerializer.SerializeToUtf8Bytes(saved), $"what job {Id} saved")) : default;

    /// <summary>Says that the worker is still at work.</summary>
    /// <returns>Whether the job is still wanted, and this worker's; if false it stops: after a cancel it gives the job back, after a lost lease it does nothing more.</returns>
    public Task<bool> RenewAsync(CancellationToken cancellationToken = default) => RenewAsync(null, cancellationToken);

    /// <summary>Says that the worker is still at work, and saves how far it has come: the next attempt finds it in <see cref="Saved"/>.</summary>
    /// <inheritdoc cref="RenewAsync(CancellationToken)" path="/returns"/>
    public Task<bool> RenewAsync<T>(T details, CancellationToken cancellationToken = default)
    {
        JsonElement saved = JsonSerializer.Deserialize<JsonElement>(_calls.Node.Services.Json.Serialize(details, $"what job {Id} saves"));
        return RenewAsync(new JobNote(saved, null, null), cancellationToken);
    }

    /// <summary>Says that the worker is still at work, and tells who follows the job how far it has come.</summary>
    /// <param name="done">The share that is done, 0 to 1; null if nobody knows.</param>
    /// <param name="text">In words; null for nothing.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <inheritdoc cref="RenewAsync(CancellationToken)" path="/returns"/>
    public Task<bool> ReportAsync(double? done, string? text = null, CancellationToken cancellationToken = default)
        => done is null or (>= 0 and <= 1)
            ? RenewAsync(new JobNote(null, done, text), cancellationToken)
            : throw new ArgumentOutOfRangeException(nameof(done), done, "The share that is done is 0 to 1.");

    /// <summary>The job is done, without a result.</summary>
    /// <exception cref="PerdureException">The lease has ended (PRD1021).</exception>
    public Task CompleteAsync(CancellationToken cancellationToken = default) => CompleteAsync(default(NoResult), cancellationToken);

    /// <summary>The job is done. The result of one that was cancelled meanwhile is dropped.</summary>
    /// <exception cref="PerdureException">The lease has ended (PRD1021).</exception>
    public Task CompleteAsync<T>(T result, CancellationToken cancellationToken = default)
        => MustHoldAsync(new ReportLeased(_row.Number, _row.Token, new JobReport(_calls.Node.Services.Json.Serialize(result, $"the result of job {Id}"), null)), cancellationToken);

    /// <summary>The attempt has failed.</summary>
    /// <param name="kind">Transient and unknown are tried again, as the queue's retry says; rejected and permanent are not.</param>
    /// <param name="reason">Why, for people to read.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="PerdureException">The lease has ended (PRD1021).</exception>
    public Task FailAsync(ErrorKind kind, string reason, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(reason);
        return kind is ErrorKind.Rejected or ErrorKind.Transient or ErrorKind.Unknown or ErrorKind.Permanent
            ? MustHoldAsync(new ReportLeased(_row.Number, _row.Token, new JobReport(null, new ErrorInfo(kind, ErrorRules.CodeOf(kind), "WorkerError", reason))), cancellationToken)
            : throw new ArgumentOutOfRangeException(nameof(kind), kind, "A worker gives a job that is cancelled back.");
    }

    /// <summary>Gives the job back as if it had not been pulled: the next worker gets it. One that was cancelled ends.</summary>
    /// <exception cref="PerdureException">The lease has ended (PRD1021).</exception>
    public Task ReleaseAsync(CancellationToken cancellationToken = default) => MustHoldAsync(new ReleaseLeased(_row.Number, _row.Token), cancellationToken);

    private async Task<bool> RenewAsync(JobNote? note, CancellationToken cancellationToken)
    {
        DateTimeOffset? until = await _calls.AskAsync(new RenewLease(_row.Number, _row.Token, note), cancellationToken);
        if (until is { } time)
        {
            Interlocked.Exchange(ref _until, time.UtcTicks);
        }

        return until is not null;
    }

    private async Task MustHoldAsync(HomeCall<bool> call, CancellationToken cancellationToken)
    {
        if (!await _calls.AskAsync(call, cancellationToken))
        {
            throw new PerdureException(ErrorCodes.LeaseLost, $"job {Id} is not this worker's any more: its lease has ended, or it has been reported already.");
        }
    }
}
