using System.Diagnostics;
using Perdure.Bench.Runner;
using Perdure.Bench.Stores;
using Perdure.Storage;

namespace Perdure.Bench.Workloads;

/// <summary>Runs flows of many steps one after another on one host, and replays them one after another on the next.</summary>
internal sealed class HistoryRuns(BenchOptions options, TempDir dir)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(1);

    private int _lastId;

    /// <summary>Runs so many flows of so many steps.</summary>
    public async Task<Outcome> RunAsync(int length, int flows, CancellationToken cancellationToken)
    {
        List<string> ids = [];
        var steps = new Latencies();
        TimeSpan live = TimeSpan.Zero;
        Report report;
        await using (BenchHost host = await BenchHost.StartAsync(options, dir.Path, cancellationToken))
        {
            IFlowClient<ManySteps> client = host.Client.Flow<ManySteps>();
            Meter meter = host.Meter();
            for (int i = 0; i < flows; i++)
            {
                string id = $"flow-{++_lastId}";
                ids.Add(id);
                StepClock.Reset(steps);
                await client.StartAsync(length, id, cancellationToken: cancellationToken);
                await UntilRecordedAsync(host.Store, new FlowKey(client.Name, id), length, cancellationToken);
                live += StepClock.Elapsed;
            }

            report = Report.Of(options, length, meter.Read(), steps, host.Durability);
        }

        return new Outcome(length, flows, live, steps, await ReplayAsync(ids, length, cancellationToken), report);
    }

    /// <summary>From the signal that wakes each flow to its result: read from the store, replayed, ended.</summary>
    private async Task<TimeSpan> ReplayAsync(List<string> ids, int length, CancellationToken cancellationToken)
    {
        await using BenchHost host = await BenchHost.StartAsync(options, dir.Path, cancellationToken);
        IFlowClient<ManySteps> client = host.Client.Flow<ManySteps>();
        long started = Stopwatch.GetTimestamp();
        foreach (string id in ids)
        {
            FlowHandle<int> run = client.Get(id);
            await run.SignalAsync(true, ManySteps.SignalName, cancellationToken: cancellationToken);
            int sum = await run.ResultAsync(cancellationToken);
            if (sum != length / 2)
            {
                throw new InvalidOperationException($"{id} should return {length / 2}, but returned {sum}");
            }
        }

        return Stopwatch.GetElapsedTime(started);
    }

    /// <summary>Waits until the last step's outcome is durable: nothing but the signal is left to come.</summary>
    private static async Task UntilRecordedAsync(IStore store, FlowKey key, int length, CancellationToken cancellationToken)
    {
        while (true)
        {
            IReadOnlyList<StoredFlow?> read = await store.ReadFlowsAsync([key], FlowParts.End, cancellationToken);
            if (read[0]!.History[^1].Position == length)
            {
                return;
            }

            await Task.Delay(Pause, cancellationToken);
        }
    }

    /// <param name="Length">Steps per flow.</param>
    /// <param name="Flows">How many flows.</param>
    /// <param name="Live">From the first to the last step of each flow, summed.</param>
    /// <param name="Steps">The time from each step to the next.</param>
    /// <param name="Replay">What the replay of all took.</param>
    /// <param name="Report">The usual figures.</param>
    public sealed record Outcome(int Length, int Flows, TimeSpan Live, Latencies Steps, TimeSpan Replay, Report Report);
}
