using Perdure.Replay;
using Perdure.Storage;

namespace Perdure.Testing.Running;

/// <summary>Replays each run after each input, as a crash at that moment would: what a run's code decides must hang on nothing but its history.</summary>
internal sealed class ReplayWatch : ICommitWatch
{
    /// <summary>Longer histories are replayed now and then, and at their end, so that a test does not take squared time.</summary>
    private const int EveryInputMax = 100;
    private const int ThenEvery = 50;
    private const int ThenEveryMax = 1_000;
    private const int AtLastEvery = 1_000;

    private readonly Dictionary<long, FlowKey> _keys = [];
    private readonly List<ReplayProblem> _problems = [];

    /// <summary>The world that is watched.</summary>
    public TestWorld World { get; set; } = null!;

    private ReplayProblem? First
    {
        get
        {
            lock (_problems)
            {
                return _problems.FirstOrDefault();
            }
        }
    }

    /// <summary>Fails when code was found that a crash would make stuck.</summary>
    /// <exception cref="ExpectationException">There is some.</exception>
    public void MustHaveFoundNothing() => Expect.That(First is null, () =>
        "A crash would have made a run stuck: played again from its history, its code asks for something else. It decides by what is not in its history, "
        + $"such as a clock, a random number, a static, or a variable that a step's lambda wrote (docs/guides/flows.md, What the code may do). The replay says: {First}");

    public void Committing(IReadOnlyList<ShardBatch> batches)
    {
        // Only what is durable can be replayed.
    }

    public void Committed(IReadOnlyList<ShardBatch> batches)
    {
        foreach (FlowRow row in batches.SelectMany(b => b.NewFlows))
        {
            _keys[row.Run] = row.Key;
        }

        foreach (IGrouping<long, HistoryRow> inputs in batches.SelectMany(b => b.History).GroupBy(h => h.Run))
        {
            if (_keys.TryGetValue(inputs.Key, out FlowKey key))
            {
                Check(key, inputs.Any(input => IsTurnOf(input.Position + 1)));
            }
        }
    }

    private static bool IsTurnOf(int count)
        => count <= EveryInputMax || count % (count <= ThenEveryMax ? ThenEvery : AtLastEvery) == 0;

    private StoredFlow Read(FlowKey key, FlowParts parts) => World.Store.ReadFlowsAsync([key], parts, CancellationToken.None).GetAwaiter().GetResult()[0]!;

    private void Check(FlowKey key, bool isItsTurn)
    {
        if (World.Process?.Holder.Current is not { } node)
        {
            return; // it has not started
        }

        if (!isItsTurn && Read(key, FlowParts.Row).Row.State.EndedAt is null)
        {
            return;
        }

        StoredFlow stored = Read(key, FlowParts.All);
        bool isWell = stored.Row.State.Status != FlowStatus.Stuck && stored.History.All(h => h.Asks is not null);
        if (isWell && node.Services.Registry.Find(key.Type, stored.Row.Version) is { } definition
            && new RunReplay(new RecordedRun(stored, node.SeedOf(stored.Row.Run)), definition, node.Services).Run() is { } problem)
        {
            lock (_problems)
            {
                _problems.Add(problem);
            }
        }
    }
}
