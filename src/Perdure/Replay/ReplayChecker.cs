using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Hosting;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Replay;

/// <summary>Checks recorded runs against the code that is registered here. It reads, and writes nothing to any store.</summary>
internal sealed class ReplayChecker(PerdureBuilder builder, FlowRegistry registry, NodeHolder holder, IServiceProvider provider, TimeProvider time, ILoggerFactory loggers)
{
    private const int ReadMax = 256;

    private readonly FlowServices _services = new(provider, registry, new FlowJson(builder.Options.Json, builder.Options.PayloadBytesMax), loggers) { Dependencies = builder.Dependencies };

    public Task<ReplayReport> CheckStoreAsync(FlowFilter filter, CancellationToken cancellationToken) => OverStoreAsync((store, seed) => CheckAsync(ReadAsync(store, seed, filter, cancellationToken), cancellationToken), cancellationToken);

    public async Task<ReplayReport> CheckAsync(IAsyncEnumerable<RecordedRun> runs, CancellationToken cancellationToken)
    {
        Seams seams = holder.Current?.Seams ?? new SystemSeams(time);
        int count = 0;
        List<ReplayProblem> problems = [];
        await foreach (RecordedRun run in runs.WithCancellation(cancellationToken))
        {
            count++;
            if (await CheckAsync(run, seams, cancellationToken) is { } problem)
            {
                problems.Add(problem);
            }
        }

        return new ReplayReport(count, problems);
    }

    public Task<int> ExportAsync(string folder, FlowFilter filter, CancellationToken cancellationToken) => OverStoreAsync(async (store, seed) =>
    {
        Directory.CreateDirectory(folder);
        int count = 0;
        await foreach (RecordedRun run in ReadAsync(store, seed, filter, cancellationToken))
        {
            FlowRow row = run.Stored.Row;
            string name = string.Create(CultureInfo.InvariantCulture, $"{Uri.EscapeDataString(row.Key.Type)}-{row.Run}.json");
            await using FileStream file = File.Create(Path.Combine(folder, name));
            await HistoryJson.WriteAsync(run, file, cancellationToken);
            count++;
        }

        return count;
    }, cancellationToken);

    private async Task<ReplayProblem?> CheckAsync(RecordedRun run, Seams seams, CancellationToken cancellationToken)
    {
        FlowRow row = run.Stored.Row;
        if (registry.Find(row.Key.Type, row.Version) is not { } definition)
        {
            return ReplayProblems.Of(run, ErrorCodes.NoCode, $"no code is registered for flow type {row.Key.Type} version {row.Version}.");
        }

        var replay = new RunReplay(run, definition, _services);
        seams.Run(replay);
        int position;
        do
        {
            position = replay.Position;
            try
            {
                return await replay.Found.WaitAsync(builder.Options.TurnTimeMax, seams.MachineTime, cancellationToken);
            }
            catch (TimeoutException)
            {
                // Many turns may take long; one may not.
            }
        }
        while (position < 0 || position != replay.Position);

        return replay.At(position, ErrorCodes.TurnTooLong, $"the code held its turn for over {builder.Options.TurnTimeMax.TotalSeconds:N0} s: move long computations and blocking calls into steps.");
    }

    private static async IAsyncEnumerable<RecordedRun> ReadAsync(IStore store, ulong storeSeed, FlowFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<FlowKey> keys = [];
        await foreach (FlowRow row in store.ListAsync(filter, cancellationToken))
        {
            keys.Add(row.Key);
            if (keys.Count == ReadMax)
            {
                foreach (RecordedRun run in await ReadAsync(store, storeSeed, keys, cancellationToken))
                {
                    yield return run;
                }

                keys.Clear();
            }
        }

        foreach (RecordedRun run in await ReadAsync(store, storeSeed, keys, cancellationToken))
        {
            yield return run;
        }
    }

    private static async Task<IEnumerable<RecordedRun>> ReadAsync(IStore store, ulong storeSeed, List<FlowKey> keys, CancellationToken cancellationToken)
    {
        IReadOnlyList<StoredFlow?> flows = await store.ReadFlowsAsync(keys, FlowParts.All, cancellationToken);
        return flows.OfType<StoredFlow>().Select(flow => new RecordedRun(flow, ReplayRandom.SeedOf(storeSeed, flow.Row.Run)));
    }

    /// <summary>Works over the node's store; over one that is opened for this alone while there is no node.</summary>
    private async Task<T> OverStoreAsync<T>(Func<IStore, ulong, Task<T>> work, CancellationToken cancellationToken)
    {
        if (holder.Current is { } node)
        {
            return await work(node.Store, node.StoreSeed);
        }

        await using IStore store = builder.Store(provider);
        StoreInfo info = await store.OpenAsync(builder.Options.ShardCount, cancellationToken);
        return await work(store, ReplayRandom.StoreSeed(info.StoreId));
    }
}
