using System.Collections.Concurrent;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>Reads flows that are not in memory, many in one read, off the loops.</summary>
internal sealed class Loader(Node node) : IThreadPoolWorkItem
{
    private const int ReadMax = 256;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly ConcurrentQueue<Wanted> _wanted = new();
    private int _reading;

    public void Request(Shard shard, FlowSlot slot, FlowParts parts)
    {
        _wanted.Enqueue(new Wanted(shard, slot, parts));
        if (Interlocked.CompareExchange(ref _reading, 1, 0) == 0)
        {
            node.Seams.Run(this);
        }
    }

    public void Execute() => _ = ReadAllAsync();

    private async Task ReadAllAsync()
    {
        while (true)
        {
            List<Wanted> wanted = [];
            while (wanted.Count < ReadMax && _wanted.TryDequeue(out Wanted? next))
            {
                wanted.Add(next);
            }

            if (wanted.Count == 0)
            {
                Volatile.Write(ref _reading, 0);
                if (_wanted.IsEmpty || Interlocked.CompareExchange(ref _reading, 1, 0) != 0)
                {
                    return;
                }
            }

            foreach (IGrouping<FlowParts, Wanted> group in wanted.GroupBy(w => w.Parts))
            {
                await ReadAsync(group.Key, [.. group]);
            }
        }
    }

    private async Task ReadAsync(FlowParts parts, List<Wanted> wanted)
    {
        bool isDone = false;
        while (!isDone && !node.IsStopping)
        {
            try
            {
                IReadOnlyList<StoredFlow?> flows = await node.Store.ReadFlowsAsync(wanted.ConvertAll(w => w.Slot.Key), parts, CancellationToken.None);
                for (int i = 0; i < wanted.Count; i++)
                {
                    wanted[i].Shard.Post(new FlowLoaded(wanted[i].Slot, parts, flows[i]));
                }

                isDone = true;
            }
            catch (Exception e)
            {
                node.Log.Outage.Failed(wanted, e);
                await node.Seams.Delay(Pause, CancellationToken.None);
            }
        }

        node.Log.Outage.Ended(wanted);
    }

    private sealed record Wanted(Shard Shard, FlowSlot Slot, FlowParts Parts);
}

/// <summary>A flow has been read.</summary>
internal sealed class FlowLoaded(FlowSlot slot, FlowParts parts, StoredFlow? stored) : Message
{
    public override void Handle() => Shard.Loaded(slot, parts, stored);
}
