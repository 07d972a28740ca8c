using Perdure.Client;

namespace Perdure;

/// <summary>Acts on one subscription. As a queue it is acted on by <see cref="PerdureClient.Queue"/>: paused, drained, its dead letters redriven.</summary>
public sealed class SubscriptionHandle
{
    private readonly EventCalls _calls;

    internal SubscriptionHandle(EventCalls calls, string name)
    {
        _calls = calls;
        Name = name;
    }

    /// <summary>The subscription's name.</summary>
    public string Name { get; }

    /// <summary>Says how far the subscription has come.</summary>
    /// <exception cref="PerdureException">There is no such subscription (PRD6006).</exception>
    public Task<SubscriptionInfo> DescribeAsync(CancellationToken cancellationToken = default) => _calls.DescribeAsync(Name, cancellationToken);

    /// <summary>Gives events again, or leaves some out: the subscription goes on from there in all of its topics.</summary>
    /// <param name="start">Where. Events that are no longer kept cannot be given.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <remarks>
    /// Events that are given again are new jobs, with new idempotency keys (<see cref="JobContext.IdempotencyKey"/>), so that what remembers keys does
    /// not skip them. Handlers that run are left to it.
    /// </remarks>
    /// <exception cref="PerdureException">There is no such subscription (PRD6006).</exception>
    public Task RewindAsync(SubscriptionStart start, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(start);
        return _calls.RewindAsync(Name, start, cancellationToken);
    }

    /// <summary>Forgets a subscription that no code has any more: from then on it keeps no events from being forgotten. Jobs that it left behind are its queue's.</summary>
    /// <exception cref="PerdureException">This process has handlers for it (PRD4004), or the store does not know it (PRD6006).</exception>
    public Task RemoveAsync(CancellationToken cancellationToken = default) => _calls.RemoveAsync(Name, cancellationToken);
}
