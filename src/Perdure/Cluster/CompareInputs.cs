using Perdure.Engine;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Cluster;

/// <summary>Compares the input of a start that nobody waits for with that of the run that was there before.</summary>
internal sealed class CompareInputs(StartFlow start, byte[] input) : IEffect
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    public void Release() => _ = CompareAsync(start.Shard);

    public void Lost(PerdureException reason)
    {
        // The start stands in the inbox, and is read again.
    }

    private async Task CompareAsync(Shard shard)
    {
        bool isDone = false;
        while (!isDone && !shard.Node.IsStopping)
        {
            try
            {
                StoredFlow? there = (await shard.Node.Store.ReadFlowsAsync([start.Key], FlowParts.Start, CancellationToken.None))[0];
                shard.Post(new InputsCompared(start, there is not null && FlowJson.IsSame(there.History[0].Payload!, input)));
                isDone = true;
            }
            catch (StoreException e)
            {
                shard.Node.Log.Outage.Failed(this, e);
                await shard.Node.Seams.Delay(Pause, CancellationToken.None);
            }
        }

        shard.Node.Log.Outage.Ended(this);
    }
}

/// <summary>The inputs have been compared.</summary>
internal sealed class InputsCompared(StartFlow start, bool isSame) : Message
{
    public override void Handle()
    {
        if (!Shard.Recovery.IsRecovering) // otherwise the start is read again
        {
            start.Compared(isSame);
        }
    }
}
