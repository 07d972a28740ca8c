using Perdure.Simulation.Seen;
using Perdure.Storage;

namespace Perdure.Simulation.Checks;

/// <summary>A shard has one owner per epoch: no batch is committed under an epoch that is over; batches have numbers without gaps; a shard's time never goes back.</summary>
internal sealed class OwnerChecker() : Checker("one owner per shard and epoch")
{
    protected override void Check()
    {
        Dictionary<int, TakenShard> owners = [];
        Dictionary<int, ShardBatch> last = [];
        int taken = 0;
        foreach (CommittedBatch committed in Observed.Batches)
        {
            while (taken < Observed.Takes.Count && Observed.Takes[taken].Order < committed.Order)
            {
                TakenShard take = Observed.Takes[taken++];
                owners[take.Shard] = take;
            }

            ShardLease lease = committed.Batch.Lease;
            TakenShard owner = owners[lease.Shard];
            MustHold(owner.Epoch == lease.Epoch && owner.Process == committed.Process,
                $"{committed.Process} committed batch {committed.Batch.Number} of shard {lease.Shard} under epoch {lease.Epoch}, but {owner.Process} has it under epoch {owner.Epoch}");
            ShardBatch? before = last.GetValueOrDefault(lease.Shard);
            MustHold(committed.Batch.Number == (before?.Number ?? 0) + 1, $"batch {committed.Batch.Number} of shard {lease.Shard} follows batch {before?.Number}");
            MustHold(before is null || committed.Batch.Time >= before.Time, $"time went back in shard {lease.Shard} at batch {committed.Batch.Number}");
            last[lease.Shard] = committed.Batch;
        }
    }
}
