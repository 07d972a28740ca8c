using Perdure.CrashTests.Victim.Effects;
using Perdure.CrashTests.Victim.Plans;
using Perdure.Diagnostics;

namespace Perdure.CrashTests.Victim;

/// <summary>The caller of the flows: it starts them, sends what they wait for, cancels some, and waits until all have ended.</summary>
/// <remarks>Each answer is written down. What was answered in an earlier process is asked for again only where the plan says so.</remarks>
internal sealed class Driver
{
    private static readonly TimeSpan StartInterval = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(40);

    private readonly PerdureClient _client;
    private readonly Settings _settings;
    private readonly World _world;
    private readonly Ledger _ledger;
    private readonly HashSet<(LedgerVerb Verb, string Flow, string Name)> _past;
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Driver(PerdureClient client, Settings settings, World world, Ledger ledger, IEnumerable<LedgerLine> past)
    {
        _client = client;
        _settings = settings;
        _world = world;
        _ledger = ledger;
        _past = past.Select(l => (l.Verb, l.Flow, l.Name)).ToHashSet();
    }

    /// <summary>Completes when the first flow runs.</summary>
    public Task Started => _started.Task;

    public async Task RunAsync(CancellationToken stop)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task looking = LookAfterStuckAsync(ended.Token);
        List<Task> flows = [];
        for (int i = 0; i < _settings.Flows; i++)
        {
            string id = $"f{i}";
            if (!_past.Contains((LedgerVerb.Started, id, "")) && i > 0)
            {
                await Task.Delay(StartInterval, stop);
            }

            flows.Add(DriveAsync(id, stop));
        }

        Task all = Task.WhenAll(flows);
        await await Task.WhenAny(all, looking); // which ends only when it finds what must never be
        while (await _client.CountAsync(FlowFilter.Open, stop) > 0)
        {
            await Task.Delay(LookInterval, stop); // children that nobody awaits
        }

        await ended.CancelAsync();
        await looking;
    }

    private async Task DriveAsync(string id, CancellationToken stop)
    {
        FlowPlan plan = Planner.Plan(_settings.Seed, id);
        FlowHandle<string> flow = await _client.Flow<PlannedFlow>().StartAsync(new Work(_settings.Seed, id), id, cancellationToken: stop);
        _ledger.Write(LedgerVerb.Started, id, "");
        _started.TrySetResult();
        Task signals = SignalAsync(flow, plan, stop);
        Task cancel = CancelAsync(flow, plan, stop);
        Task terminate = TerminateAsync(flow, plan, stop);
        await Task.WhenAll(signals, cancel, terminate);
        try
        {
            await flow.ResultAsync(stop);
        }
        catch (Exception e) when (e is FlowFailedException or FlowCancelledException)
        {
            // As its plan may have it.
        }
    }

    private async Task SignalAsync(FlowHandle flow, FlowPlan plan, CancellationToken stop)
    {
        foreach (PlannedSignal signal in plan.Signals)
        {
            bool wasSent = _past.Contains((LedgerVerb.Signalled, flow.Id, signal.Value));
            if (wasSent && !signal.SendsAgain)
            {
                continue;
            }

            await Task.Delay(wasSent ? TimeSpan.Zero : signal.After, stop);
            for (int i = 0; i < (signal.SendsTwice ? 2 : 1); i++)
            {
                bool isTaken = await UnlessEndedAsync(() => flow.SignalAsync(signal.Value, signal.Name, signal.Value, stop));
                _ledger.Write(LedgerVerb.Signalled, flow.Id, signal.Value, detail: isTaken ? "taken" : "refused");
            }
        }
    }

    private async Task CancelAsync(FlowHandle flow, FlowPlan plan, CancellationToken stop)
    {
        if (plan.CancelAfter is { } after && !_past.Contains((LedgerVerb.Cancelled, flow.Id, "")))
        {
            await Task.Delay(after, stop);
            CancelAnswer answer = await flow.CancelAsync(cancellationToken: stop);
            _ledger.Write(LedgerVerb.Cancelled, flow.Id, "", detail: answer.ToString());
        }
    }

    private async Task TerminateAsync(FlowHandle flow, FlowPlan plan, CancellationToken stop)
    {
        if (plan.TerminateAfter is { } after && !_past.Contains((LedgerVerb.Terminated, flow.Id, "")))
        {
            await Task.Delay(after, stop);
            bool isTaken = await UnlessEndedAsync(() => flow.TerminateAsync(cancellationToken: stop));
            _ledger.Write(LedgerVerb.Terminated, flow.Id, "", detail: isTaken ? "taken" : "refused");
        }
    }

    /// <summary>Looks for stuck flows, and puts those back to work that are stuck for a reason that can be expected.</summary>
    private async Task LookAfterStuckAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                await foreach (FlowInfo flow in _client.ListAsync(new FlowFilter { Statuses = [FlowStatus.Stuck] }, stop))
                {
                    await LookAfterAsync(flow, stop);
                }

                await Task.Delay(LookInterval, stop);
            }
        }
        catch (OperationCanceledException)
        {
            // All flows have ended, or the host stops.
        }
    }

    private async Task LookAfterAsync(FlowInfo flow, CancellationToken stop)
    {
        switch (flow.StuckCode)
        {
            case ErrorCodes.KeepsFailing:
                _world.Repair(flow.Id);
                break;
            case ErrorCodes.CrashSuspect:
                _ledger.Write(LedgerVerb.Retried, flow.Id, "", detail: flow.StuckReason ?? "");
                break;
            default:
                _ledger.Write(LedgerVerb.Wrong, flow.Id, "", detail: $"it is stuck: {flow.StuckCode}: {flow.StuckReason}");
                throw new InvalidOperationException($"{flow.Id} is stuck: {flow.StuckCode}: {flow.StuckReason}");
        }

        try
        {
            await _client.Get(flow.Type, flow.Id).RetryAsync(stop);
        }
        catch (PerdureException e) when (e.Code is ErrorCodes.WrongState or ErrorCodes.FlowEnded)
        {
            // The list was read before the last retry, or a terminate came between.
        }
    }

    private static async Task<bool> UnlessEndedAsync(Func<Task> call)
    {
        try
        {
            await call();
            return true;
        }
        catch (PerdureException e) when (e.Code == ErrorCodes.FlowEnded)
        {
            return false;
        }
    }
}
