using Perdure.Engine;
using Perdure.Simulation.Seen;
using Perdure.Storage;

namespace Perdure.Simulation.Stores;

/// <summary>
/// Groups that have their place in the store's order and are not durable yet, as in a log that was written and not synced. The first of a process are
/// made durable first; when it dies some of the last ones are lost.
/// </summary>
internal sealed class PlacedGroups(ReplayRandom chance, Observed observed)
{
    private readonly List<PlacedGroup> _waiting = [];
    private readonly bool _isUsed = chance.Next(2) == 0;

    /// <summary>Places a group, perhaps.</summary>
    /// <param name="process">Whose it is.</param>
    /// <param name="batches">What it writes.</param>
    /// <param name="write">Makes it durable.</param>
    /// <returns>Null when it is to be committed at once.</returns>
    public PlacedGroup? TryPlace(string process, IReadOnlyList<ShardBatch> batches, Action write)
    {
        if (!_isUsed || chance.Next(4) == 0)
        {
            return null;
        }

        if (_waiting.Exists(g => g.Process == process && g.Batches.Any(b => batches.Any(next => next.Lease.Shard == b.Lease.Shard))))
        {
            observed.Mark("a batch was placed before the last one was durable");
        }

        var group = new PlacedGroup(process, batches, write);
        _waiting.Add(group);
        return group;
    }

    /// <summary>How many of a shard's batches wait.</summary>
    public int Waiting(int shard) => _waiting.Sum(g => g.Batches.Count(b => b.Lease.Shard == shard));

    /// <summary>Makes a group durable, and what its process has placed before it.</summary>
    /// <returns>False when it was lost.</returns>
    public bool Sync(PlacedGroup group)
    {
        if (_waiting.Contains(group))
        {
            foreach (PlacedGroup before in _waiting.Where(g => g.Process == group.Process).TakeWhile(g => g != group).ToList())
            {
                Write(before);
            }

            Write(group);
        }

        return !group.IsLost;
    }

    /// <summary>Makes all durable that a process has placed, or all there is.</summary>
    public void SyncAll(string? process = null) => _waiting.Where(g => process is null || g.Process == process).ToList().ForEach(Write);

    /// <summary>A process is dead: what it has placed is durable up to some point, and lost from there on.</summary>
    public void Died(string process)
    {
        List<PlacedGroup> placed = _waiting.FindAll(g => g.Process == process);
        if (placed.Count > 0)
        {
            int kept = chance.Next(placed.Count + 1);
            placed.Take(kept).ToList().ForEach(Write);
            foreach (PlacedGroup lost in placed.Skip(kept))
            {
                observed.Mark("a batch was lost with its process after it was placed");
                _waiting.Remove(lost);
                lost.IsLost = true;
            }
        }
    }

    private void Write(PlacedGroup group)
    {
        _waiting.Remove(group);
        group.Write();
    }
}

/// <summary>A group on its way to be durable.</summary>
internal sealed record PlacedGroup(string Process, IReadOnlyList<ShardBatch> Batches, Action Write)
{
    public bool IsLost { get; set; }
}
