using Perdure.Events;
using Perdure.Picture;
using Perdure.Queues;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Tests.Picture;

/// <summary>Rows as the engine would write them, in a memory store.</summary>
internal sealed class Rows
{
    public const int Home = 1;

    public static readonly DateTimeOffset Start = new(2026, 3, 2, 9, 30, 0, TimeSpan.Zero);

    private readonly List<FlowRow> _flows = [];
    private readonly List<HistoryRow> _history = [];
    private readonly List<BackoffRow> _backoffs = [];
    private readonly List<JobRow> _jobs = [];
    private readonly List<JobEndRow> _jobEnds = [];
    private readonly List<EventRow> _events = [];
    private readonly List<DeliveryRow> _deliveries = [];
    private long _number;

    public static DateTimeOffset At(double ms) => Start.AddTicks((long)(ms * 1_000) * TimeSpan.TicksPerMicrosecond);

    /// <summary>A run, and its history from the start on; each row's run and position are filled in.</summary>
    public void Flow(FlowRow row, params HistoryRow[] history)
    {
        long run = ++_number;
        _flows.Add(row with { Run = run });
        _history.AddRange(history.Select((h, i) => h with { Run = run, Position = i }));
    }

    public void Backoff(BackoffRow row) => _backoffs.Add(row with { Run = _number });

    public void Job(JobRow row) => _jobs.Add(row);

    public void JobEnd(JobEndRow row) => _jobEnds.Add(row);

    public void Event(EventRow row) => _events.Add(row);

    public void Delivery(DeliveryRow row) => _deliveries.Add(row);

    /// <summary>A flow's row; a run of its own transaction unless it says otherwise.</summary>
    public static FlowRow Run(string type, string id, double at, FlowStatus status, double? ended = null)
        => new(0, 0, new FlowKey(type, id), 1, At(at)) { State = new FlowState(status, null, ended is { } end ? At(end) : null) };

    public static HistoryRow Input(double at, InputKind kind, int ask, string? asks, double? started = null, int attempts = 0, ErrorInfo? error = null, bool ends = false)
        => new(0, 0, At(at), kind)
        {
            Ask = ask,
            Asks = asks,
            StartedAt = started is { } begin ? At(begin) : null,
            Attempts = attempts,
            Payload = error is null ? "{}"u8.ToArray() : FlowJson.SerializeError(error),
            Result = ends ? "{}"u8.ToArray() : null,
        };

    public static byte[] More(string cause, string correlation) => JobMore.Write(new JobMore { Cause = cause, Correlation = correlation })!;

    public async Task<IStore> StoreAsync()
    {
        var store = new MemoryStore();
        await store.OpenAsync(1, default);
        IReadOnlyList<ShardLease> leases = await store.TakeShardsAsync([0, Home], Guid.NewGuid(), default);
        var flows = new ShardBatch(leases[0], 1, Start);
        flows.NewFlows.AddRange(_flows);
        flows.History.AddRange(_history);
        flows.Backoffs.AddRange(_backoffs);
        var home = new ShardBatch(leases[1], 1, Start);
        home.NewJobs.AddRange(_jobs);
        home.JobEnds.AddRange(_jobEnds);
        home.NewEvents.AddRange(_events);
        home.Deliveries.AddRange(_deliveries);
        IReadOnlyList<CommitAnswer> answers = await store.CommitAsync([flows, home], default);
        answers.ShouldAllBe(answer => answer.Outcome == CommitOutcome.Committed);
        return store;
    }

    /// <summary>Writes the rows into a store, and reads a transaction from it.</summary>
    public async Task<BusinessTransaction> ReadAsync(string correlationId) => await new TransactionReader(await StoreAsync(), Home, EventRegistry.Empty).ReadAsync(correlationId, default);
}
