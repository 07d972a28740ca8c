using Perdure.Storage;

namespace Perdure.Picture;

/// <summary>All that a store keeps of a business transaction.</summary>
internal sealed class TransactionRows
{
    public List<StoredFlow> Flows { get; } = [];

    public List<JobRow> Jobs { get; } = [];

    public List<JobEndRow> JobEnds { get; } = [];

    public List<EventRow> Events { get; } = [];

    public List<DeliveryRow> Deliveries { get; } = [];

    /// <summary>Names the subscriptions that have yet to handle an event, each with its generation.</summary>
    public Func<EventRow, IEnumerable<(string Subscription, int Generation)>> PendingOf { get; set; } = _ => [];

    public bool IsEmpty => Flows.Count + Jobs.Count + JobEnds.Count + Events.Count == 0;
}
