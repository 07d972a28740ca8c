using Perdure.Diagnostics;
using Perdure.Storage.Copying;

namespace Perdure.Storage;

/// <summary>Moves stores: all that one holds into another one, of any kind, runs in flight included.</summary>
public static class StoreCopy
{
    /// <summary>Copies a store into an empty one, and compares the two. No process may run on either meanwhile.</summary>
    /// <remarks>
    /// The source stays as it is. A copy that was broken off is no store to run on: make the target anew, and copy again. Runs keep their ids, their
    /// histories and their chance, jobs their numbers, events their positions. That nodes were careful after crashes is not copied.
    /// </remarks>
    /// <param name="from">The store to copy; it is opened, and closed again.</param>
    /// <param name="to">Where to; it is made, and closed again. Its file or schema is not there yet, or empty.</param>
    /// <param name="cancellationToken">Breaks the copy off.</param>
    /// <returns>What was copied, and the checksum that both have.</returns>
    /// <exception cref="StoreException">One of the two is in use (PRD5001) or fails; the target is not empty (PRD5008); or the two differ after the copy (PRD5009).</exception>
    public static async Task<StoreContent> CopyAsync(IStore from, IStoreTarget to, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        await using (from)
        await using (to)
        {
            StoreInfo info = await from.OpenAsync(shardCount: 1, cancellationToken);
            StoreInfo copy = await to.OpenNewAsync(info.StoreId, info.ShardCount, cancellationToken);
            if (copy.StoreId != info.StoreId || copy.ShardCount != info.ShardCount || await to.CountAsync(new FlowFilter(), cancellationToken) > 0)
            {
                throw new StoreException(ErrorCodes.StoreNotEmpty, "there is a store already where the copy was to go: name a file or schema that is not there.");
            }

            await RefuseIfRunAsync(from, cancellationToken);
            var reader = new StoreContents(from, info.ShardCount);
            await using (var writer = new StoreFiller(from, to, info.ShardCount))
            {
                await writer.BeginAsync(cancellationToken);
                await reader.ReadAllAsync(writer, cancellationToken);
            }

            StoreContent source = await ContentAsync(reader, cancellationToken);
            StoreContent target = await ContentAsync(new StoreContents(to, info.ShardCount), cancellationToken);
            return source == target
                ? target
                : throw new StoreException(ErrorCodes.CopyDiffers, $"the copy differs from its source: {source}, and {target}. The source has changed meanwhile, or a store is at fault; the copy is not to be used.");
        }
    }

    private static async Task<StoreContent> ContentAsync(StoreContents contents, CancellationToken cancellationToken)
    {
        using var sum = new ContentSum();
        await contents.ReadAllAsync(sum, cancellationToken);
        return sum.End();
    }

    /// <summary>Whoever runs on a store that several share must have left; a file is locked by who runs on it.</summary>
    private static async Task RefuseIfRunAsync(IStore from, CancellationToken cancellationToken)
    {
        if (from is not ISharedStore shared)
        {
            return;
        }

        NodeLease me = await shared.JoinAsync("copy", TimeSpan.FromSeconds(30), cancellationToken);
        ClusterView? view = await shared.BeatAsync(me, cancellationToken);
        await shared.LeaveAsync(me, cancellationToken);
        if (view is null || view.Nodes.Count > 1)
        {
            throw new StoreException(ErrorCodes.StoreInUse, $"nodes run on the store that is to be copied: {string.Join(", ", view?.Nodes.Where(n => n.Node != me.Node).Select(n => n.Name) ?? [])}. Stop them first; one that died counts as alive until its lease ends.");
        }
    }
}

/// <summary>What a store holds: counts, and a checksum over every value.</summary>
/// <param name="Flows">Runs.</param>
/// <param name="Inputs">Rows of their histories.</param>
/// <param name="Backoffs">Steps that wait for their next attempt.</param>
/// <param name="Messages">Messages in inboxes.</param>
/// <param name="Jobs">Jobs that have not ended.</param>
/// <param name="JobEnds">Ends of jobs that are kept.</param>
/// <param name="Memos">What the home remembers.</param>
/// <param name="Events">Events in the logs of topics.</param>
/// <param name="Deliveries">What subscriptions are done with.</param>
/// <param name="Waits">Flows that wait for events.</param>
/// <param name="Checksum">SHA-256 over all of them, in hexadecimal digits.</param>
public sealed record StoreContent(long Flows, long Inputs, long Backoffs, long Messages, long Jobs, long JobEnds, long Memos, long Events, long Deliveries, long Waits, string Checksum);
