using Perdure.Diagnostics;

namespace Perdure.Queues;

/// <summary>Finds what could never start.</summary>
internal static class PoolCheck
{
    /// <summary>Refuses a queue whose jobs take units of a pool that is not there, or more than it has.</summary>
    public static void Check(string queue, QueueOptions policy, IReadOnlyDictionary<string, PoolOptions> pools)
    {
        foreach (PoolUse use in policy.Uses)
        {
            if (!pools.TryGetValue(use.Pool, out PoolOptions? pool))
            {
                throw new PerdureException(ErrorCodes.PoolNeverEnough, $"queue {queue} uses pool {use.Pool}, which is not there: add it with AddPool.");
            }

            if (use.Units > pool.Capacity)
            {
                throw new PerdureException(ErrorCodes.PoolNeverEnough, $"a job of queue {queue} takes {use.Units} units of pool {use.Pool}, which has {pool.Capacity}.");
            }
        }
    }
}
