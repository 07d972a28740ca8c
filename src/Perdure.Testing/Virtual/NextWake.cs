using Perdure.Engine;
using Perdure.Storage;

namespace Perdure.Testing.Virtual;

/// <summary>Finds out when an engine must look at a store's flows again, so that a world can skip the time until then (<see cref="World.DueElsewhere"/>).</summary>
internal static class NextWake
{
    /// <summary>Asks a store that answers before it returns, as the memory store does, and is open.</summary>
    public static DateTimeOffset? Of(MemoryStore store, int shards)
    {
        // Later than busy: for those the engine has timers.
        var after = new WakingFlow(FlowRow.Busy.AddTicks(TimeSpan.TicksPerMicrosecond), -1, default);
        DateTimeOffset? first = null;
        for (int shard = 0; shard < shards; shard++)
        {
            IReadOnlyList<WakingFlow> waking = store.ReadWakingAsync(shard, after, DateTimeOffset.MaxValue, 1, CancellationToken.None).GetAwaiter().GetResult();
            if (waking.Count > 0 && (first is null || waking[0].WakeAt < first))
            {
                first = waking[0].WakeAt;
            }
        }

        return first - Node.NearFuture;
    }

    /// <summary>When the next end of a job has been kept long enough.</summary>
    public static DateTimeOffset? OfEnds(MemoryStore store, int shards) => Enumerable.Range(0, shards).Min(store.NextForgettable);
}
