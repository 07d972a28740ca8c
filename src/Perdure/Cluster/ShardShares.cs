using Perdure.Storage;

namespace Perdure.Cluster;

/// <summary>Which shards a node takes and gives up, by what all nodes see. Pure.</summary>
/// <remarks>
/// All nodes work the shares out alike: as even as they can be, and those who have most now get one more where it does not come out
/// even, so that nothing moves that need not. Who has too much gives a few at a time; who has too little takes what is free.
/// </remarks>
internal static class ShardShares
{
    /// <summary>So many shards are given up at a time: while they move, their flows wait.</summary>
    public const int MovesMax = 8;

    /// <param name="view">Who lives, and who has what.</param>
    /// <param name="me">The node that asks.</param>
    /// <param name="count">How many shards the flows have.</param>
    public static (List<int> Take, List<int> Give, bool IsEven) Plan(ClusterView view, long me, int count)
    {
        long?[] owners = new long?[count];
        foreach (ShardOwner owner in view.Owners.Where(o => o.Shard < count))
        {
            owners[owner.Shard] = view.Nodes.Any(n => n.Node == owner.Node) ? owner.Node : null;
        }

        Dictionary<long, int> shares = Shares(view, owners);
        List<int> mine = [.. Enumerable.Range(0, count).Where(s => owners[s] == me)];
        List<int> free = [.. Enumerable.Range(0, count).Where(s => owners[s] is null)];
        int share = shares[me];
        int rank = view.Nodes.TakeWhile(n => n.Node != me).Count();
        int start = free.Count * rank / view.Nodes.Count; // not all reach for the same ones
        List<int> take = [.. free.Skip(start).Concat(free.Take(start)).Take(Math.Max(0, share - mine.Count))];
        List<int> give = [.. mine.Skip(share).TakeLast(MovesMax)];
        return (take, give, mine.Count == share);
    }

    private static Dictionary<long, int> Shares(ClusterView view, long?[] owners)
    {
        int least = owners.Length / view.Nodes.Count;
        int more = owners.Length % view.Nodes.Count;
        return view.Nodes.OrderByDescending(n => owners.Count(o => o == n.Node)).ThenBy(n => n.Node)
            .Select((n, i) => (n.Node, Share: least + (i < more ? 1 : 0)))
            .ToDictionary(n => n.Node, n => n.Share);
    }
}
