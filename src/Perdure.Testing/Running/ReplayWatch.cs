using Perdure.Replay;
using Perdure.Storage;

namespace Perdure.Testing.Running;

/// <summary>Replays each run after each input, as a crash at that moment would: what a run's code decides must hang on nothing but its history.</summary>
internal sealed class ReplayWatch : ICommitWatch
{
    /// <summary>Longer histories are replayed after every fiftieth input and at their end, so that a test does not take squared time.</summary>
    private const int EveryInputMax = 100;
    private const int ThenEvery = 50;

    private readonly Dictionary<long, FlowKey> _keys = [];
    private readonly List<ReplayProblem> _problems = [];

    /// <summary>The world that is watched.</summary>
    public TestWorld World { get; set; } = null!;

    /// <summary>The first of what was found; null if nothing was.</summary>
    public ReplayProblem? Problem
    {
        get
        {
            lock (_problems)
            {
                return _problems.FirstOrDefault();
            }
        }
    }

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

        foreach (long run in batches.SelectMany(b => b.History).Select(h => h.Run).Distinct())
        {
            if (_keys.TryGetValue(run, out FlowKey key))
            {
                Check(key);
            }
        }
    }

    private void Check(FlowKey key)
    {
        if (World.Process?.Holder.Current is not { } node)
        {
            return; // it has not started
        }

        StoredFlow stored = World.Store.ReadFlowsAsync([key], FlowParts.All, CancellationToken.None).GetAwaiter().GetResult()[0]!;
        bool isOpenAndWell = stored.Row.State.Status != FlowStatus.Stuck && stored.History.All(h => h.Asks is not null);
        bool isItsTurn = stored.History.Count <= EveryInputMax || stored.History.Count % ThenEvery == 0 || stored.Row.State.EndedAt is not null;
        if (isOpenAndWell && isItsTurn && node.Services.Registry.Find(key.Type, stored.Row.Version) is { } definition
            && new RunReplay(new RecordedRun(stored, node.SeedOf(stored.Row.Run)), definition, node.Services).Run() is { } problem)
        {
            lock (_problems)
            {
                _problems.Add(problem);
            }
        }
    }
}
