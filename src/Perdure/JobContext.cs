using Microsoft.Extensions.DependencyInjection;
using Perdure.Events;
using Perdure.Queues;
using Perdure.Storage;

namespace Perdure;

/// <summary>What one attempt of a job knows. It converts to its <see cref="System.Threading.CancellationToken"/>.</summary>
public sealed class JobContext
{
    private readonly JobAttempt _attempt;

    internal JobContext(JobAttempt attempt, IServiceProvider services, CancellationToken cancellationToken)
    {
        _attempt = attempt;
        Services = services;
        CancellationToken = cancellationToken;
    }

    /// <summary>The job's id.</summary>
    public string Id => JobId.Text(_attempt.Queue, _attempt.Number);

    /// <summary>The queue.</summary>
    public string Queue => _attempt.Queue;

    /// <summary>The job's key; null if it has none.</summary>
    public string? Key => _attempt.Key;

    /// <summary>1 for the first attempt. Attempts that a crash or a shutdown ended are not counted.</summary>
    public int Attempt => _attempt.Attempt;

    /// <summary>The same for every attempt of this job; different for every other job.</summary>
    public string IdempotencyKey => Id;

    /// <summary>The time for which a schedule made the job; null for other jobs.</summary>
    public DateTimeOffset? ScheduledFor => _attempt.ScheduledFor;

    /// <summary>The event that the job is about; null for a job that somebody enqueued.</summary>
    public EventInfo? Event => _attempt.Event is { } about ? EventInfo.Of(about, _attempt) : null;

    /// <summary>The whole event that the job is about, for a bridge.</summary>
    internal EventRow EventRow(byte[] data)
    {
        EventRef about = _attempt.Event ?? throw new InvalidOperationException("The job is about no event.");
        return new EventRow(_attempt.Shard.Index, about.Topic, about.Position, about.Id, _attempt.Type, about.PublishedAt)
        {
            Key = _attempt.Key,
            Source = about.Source,
            Time = about.Time,
            Correlation = _attempt.Correlation,
            Cause = about.Cause,
            Data = data,
            More = about.More,
        };
    }

    /// <summary>The business transaction that the job belongs to; its own is named after its id.</summary>
    public string CorrelationId => _attempt.Correlation;

    /// <summary>Is cancelled when the attempt's time is up, nobody wants the job any more, or the host stops.</summary>
    public CancellationToken CancellationToken { get; }

    /// <summary>The services of a scope of this attempt's own.</summary>
    internal IServiceProvider Services { get; }

    /// <summary>A service from a scope of this attempt's own.</summary>
    public T Get<T>()
        where T : notnull
        => Services.GetRequiredService<T>();

    /// <summary>What an earlier attempt saved last with <see cref="SaveAsync"/>; nothing if none did.</summary>
    public Maybe<T> Saved<T>() => _attempt.Saved<T>();

    /// <summary>Saves how far the job has come. When the task completes it is durable: an attempt after a crash finds it in <see cref="Saved"/>.</summary>
    /// <exception cref="OperationCanceledException">Nobody wants the job any more.</exception>
    public Task SaveAsync<T>(T details) => _attempt.SaveAsync(details);

    /// <summary>Publishes an event together with the job's end: once if this attempt succeeds, and not at all if it fails.</summary>
    /// <param name="event">The event. Its type was added with <c>AddEvent</c>.</param>
    /// <param name="key">Its key, where the type's selector does not say it.</param>
    /// <exception cref="PerdureException">There is no such event type (PRD6001), it has no key (PRD6002), or is too large (PRD1005).</exception>
    public void Publish<TEvent>(TEvent @event, string? key = null)
        where TEvent : notnull
        => _attempt.Publish(@event, key);

    /// <summary>Leaves a job to its queue together with this job's end: it comes once if this attempt succeeds, and not at all if it fails.</summary>
    /// <param name="job">The job.</param>
    /// <param name="options">What is otherwise than its contract says.</param>
    /// <remarks>A job that its queue has no room for comes when there is. One that a saturated pool sheds does not come, and is reported in the log.</remarks>
    /// <exception cref="PerdureException">Nobody does such jobs (PRD1013), there is no such queue (PRD1012), an option is out of its range (PRD4004), or it is too large (PRD1005).</exception>
    public void Enqueue(IJob job, JobOptions? options = null) => _attempt.Enqueue(job, options);

    /// <summary>Starts a flow with the job as its input, together with the job's end, unless it is there.</summary>
    internal void Start(string type, string? id) => _attempt.Start(type, id);

    /// <summary>Tells who follows the job how far it has come. When the task completes it is durable.</summary>
    /// <param name="done">The share that is done, 0 to 1; null if nobody knows.</param>
    /// <param name="text">In words; null for nothing.</param>
    /// <exception cref="OperationCanceledException">Nobody wants the job any more.</exception>
    public Task ReportAsync(double? done, string? text = null) => _attempt.ReportAsync(done, text);

    /// <summary>The context's cancellation token, so that it can be passed where a token is wanted.</summary>
    public static implicit operator CancellationToken(JobContext context) => context.CancellationToken;
}
