using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Events;
using Perdure.Hosting;
using Perdure.Replay;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Client;

/// <summary>The calls of clients: they turn values into messages to shards, and wait for the answers.</summary>
internal sealed class FlowCalls(NodeHolder holder)
{
    public Node Node => holder.Node;

    private FlowJson Json => Node.Services.Json;

    public async Task<FlowHandle<TOut>> StartAsync<TIn, TOut>(string type, TIn input, string? id, StartOptions? options, CancellationToken cancellationToken)
    {
        (FlowKey key, NewFlow start, FlowDefinition definition) = Prepare<TIn>(type, input, id);
        using var span = PerdureSource.StartCall("start", type, key.Id);
        var message = new StartFlow(key, definition, Traced(start, options), isNew: id is null, waiter: null);
        Node.ShardFor(key).Post(message);
        if (!await message.Task.WaitAsync(cancellationToken))
        {
            await JoinAsync(key, start.Input, options, cancellationToken);
        }

        return new FlowHandle<TOut>(this, key);
    }

    public async Task<TOut> RunAsync<TIn, TOut>(string type, TIn input, string? id, StartOptions? options, CancellationToken cancellationToken)
    {
        (FlowKey key, NewFlow start, FlowDefinition definition) = Prepare<TIn>(type, input, id);
        using var span = PerdureSource.StartCall("run", type, key.Id);
        var waiter = new WaitForEnd(key);
        Shard shard = Node.ShardFor(key);
        shard.Post(new StartFlow(key, definition, Traced(start, options), isNew: id is null, waiter));
        if (await EndAsync(shard, waiter, cancellationToken) is { } end)
        {
            return ResultOf<TOut>(key, end);
        }

        await JoinAsync(key, start.Input, options, cancellationToken);
        return await ResultAsync<TOut>(key, cancellationToken);
    }

    public async Task<TOut> ResultAsync<TOut>(FlowKey key, CancellationToken cancellationToken)
    {
        var waiter = new WaitForEnd(key);
        Shard shard = Node.ShardFor(key);
        shard.Post(waiter);
        return ResultOf<TOut>(key, (await EndAsync(shard, waiter, cancellationToken))!);
    }

    public async Task<FlowDescription> DescribeAsync(FlowKey key, CancellationToken cancellationToken)
    {
        StoredFlow stored = await ReadAsync(key, FlowParts.All, cancellationToken);
        FlowDescription run = Describing.Describe(stored);
        return run.EndedAt is not null ? run : run with { Asks = [.. run.Asks.Select(Waiting)] };

        FlowAsk Waiting(FlowAsk ask) => Node.Worker.WaitsFor(stored.Row.Run, ask.Number) is { } dependency ? ask with { WaitsFor = dependency } : ask;
    }

    public async Task ExportAsync(FlowKey key, Stream destination, CancellationToken cancellationToken)
    {
        StoredFlow stored = await ReadAsync(key, FlowParts.All, cancellationToken);
        await HistoryJson.WriteAsync(new RecordedRun(stored, Node.SeedOf(stored.Row.Run)), destination, cancellationToken);
    }

    public Task SignalAsync<T>(FlowKey key, T value, string? name, string? signalId, CancellationToken cancellationToken)
    {
        string signal = StepName.Check(name ?? FlowNames.Of(typeof(T)));
        byte[] json = Json.Serialize(value, new PayloadName("signal", signal));
        return AskAsync(new SignalFlow(key, signal, json, signalId), cancellationToken);
    }

    public Task<CancelAnswer> CancelAsync(FlowKey key, string reason, CancellationToken cancellationToken) => AskAsync(new CancelFlow(key, reason), cancellationToken);

    public Task TerminateAsync(FlowKey key, string reason, CancellationToken cancellationToken) => AskAsync(new TerminateFlow(key, reason), cancellationToken);

    public Task RetryAsync(FlowKey key, CancellationToken cancellationToken) => AskAsync(new RetryFlow(key), cancellationToken);

    public Task SkipUndoAsync(FlowKey key, string reason, CancellationToken cancellationToken) => AskAsync(new SettleUndo(key, reason), cancellationToken);

    public async IAsyncEnumerable<FlowInfo> ListAsync(FlowFilter filter, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (FlowRow row in Node.Store.ListAsync(filter, cancellationToken))
        {
            yield return FlowInfo.Of(row);
        }
    }

    public Task<long> CountAsync(FlowFilter filter, CancellationToken cancellationToken) => Node.Store.CountAsync(filter, cancellationToken);

    /// <summary>A start as it stands in an inbox, where nobody waits for its answer.</summary>
    public InboxRow StartRow<TIn>(string type, TIn input, string? id, StartOptions? options)
    {
        (FlowKey key, NewFlow start, _) = Prepare(type, input, id);
        start = Traced(start, options);
        return new InboxRow(Node.ShardOf(key), InboxId.OfTransaction(Node.Seams.NewGuid()), MessageKind.Start, key)
        {
            Name = start.TraceParent,
            Correlation = start.Correlation,
            Cause = start.Cause,
            Payload = start.Input,
        };
    }

    /// <summary>A signal as it stands in an inbox, where nobody waits for its answer.</summary>
    public InboxRow SignalRow<T>(FlowKey key, T value, string? name, string? signalId)
    {
        string signal = StepName.Check(name ?? FlowNames.Of(typeof(T)));
        return new InboxRow(Node.ShardOf(key), InboxId.OfTransaction(Node.Seams.NewGuid()), MessageKind.Signal, key)
        {
            Name = signal,
            Cause = signalId,
            Payload = Json.Serialize(value, new PayloadName("signal", signal)),
        };
    }

    private (FlowKey Key, NewFlow Start, FlowDefinition Definition) Prepare<TIn>(string type, TIn input, string? id)
    {
        if (input is null)
        {
            throw new ArgumentNullException(nameof(input), $"flow type {type} is started with an input, and null is none.");
        }

        FlowDefinition definition = Node.Services.Registry.Newest(type)
            ?? throw new PerdureException(ErrorCodes.UnknownFlowType, $"no flow type {type} is registered: add it with AddFlow.");
        var key = new FlowKey(type, id is null ? Node.NewIdOf(type) : FlowNames.CheckId(id));
        var what = new PayloadName("the input of", type);
        byte[] json = Json.Serialize(input, what);
        return (key, new NewFlow(json, Json.RoundTrip(json, input, what), Parent: null, TraceParent: null), definition);
    }

    private static NewFlow Traced(NewFlow start, StartOptions? options)
    {
        ICause? cause = CurrentCause.Value;
        string? correlation = options?.CorrelationId is { } given ? FlowNames.CheckId(given) : cause?.Correlation;
        return PerdureSource.Current is null && correlation is null && cause is null
            ? start
            : start with { TraceParent = PerdureSource.Current, Correlation = correlation, Cause = cause?.Text };
    }

    /// <summary>Checks that an existing run may be taken for the one that was to be started.</summary>
    private async Task JoinAsync(FlowKey key, byte[] input, StartOptions? options, CancellationToken cancellationToken)
    {
        WhenExists rule = options?.WhenExists ?? WhenExists.JoinIfSame;
        if (rule == WhenExists.Join)
        {
            return;
        }

        if (rule == WhenExists.JoinIfSame)
        {
            StoredFlow stored = await ReadAsync(key, FlowParts.Start, cancellationToken);
            if (FlowJson.IsSame(stored.History[0].Payload!, input))
            {
                return;
            }
        }

        throw new FlowConflictException(key, sameInput: rule == WhenExists.Fail);
    }

    private async Task<StoredFlow> ReadAsync(FlowKey key, FlowParts parts, CancellationToken cancellationToken)
        => (await Node.Store.ReadFlowsAsync([key], parts, cancellationToken))[0] ?? throw new FlowNotFoundException(key);

    private Task<TAnswer> AskAsync<TAnswer>(ClientMessage<TAnswer> message, CancellationToken cancellationToken)
    {
        Node.ShardFor(message.Key).Post(message);
        return message.Task.WaitAsync(cancellationToken);
    }

    private static Task<FlowEnd?> EndAsync(Shard shard, WaitForEnd waiter, CancellationToken cancellationToken)
        => cancellationToken.CanBeCanceled ? EndUnlessCancelledAsync(shard, waiter, cancellationToken) : waiter.Task;

    private static async Task<FlowEnd?> EndUnlessCancelledAsync(Shard shard, WaitForEnd waiter, CancellationToken cancellationToken)
    {
        try
        {
            return await waiter.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            shard.Post(new StopWaiting(waiter));
            throw;
        }
    }

    private TOut ResultOf<TOut>(FlowKey key, FlowEnd end) => end.Status switch
    {
        FlowStatus.Completed => Json.Deserialize<TOut>(end.Result, new PayloadName("the result of", key)),
        FlowStatus.Failed => throw new FlowFailedException(key, FlowJson.DeserializeError(end.Result)),
        _ => throw new FlowCancelledException(key, end.Status, FlowJson.DeserializeError(end.Result)),
    };
}
