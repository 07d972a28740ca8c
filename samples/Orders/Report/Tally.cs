using System.Collections.Concurrent;

namespace Orders.Report;

/// <summary>How each order ended, as far as is known.</summary>
internal sealed class Tally
{
    private readonly ConcurrentDictionary<string, string> _ends = new();

    /// <summary>How many orders there are.</summary>
    public int Expected { get; private set; }

    public int Ended => _ends.Count;

    public void Expect(int orders) => Expected = orders;

    public void Set(string orderId, string end) => _ends[orderId] = end;

    public int Count(string beginning) => _ends.Values.Count(end => end.StartsWith(beginning, StringComparison.Ordinal));

    /// <summary>Which orders had which end, the most frequent first.</summary>
    public IEnumerable<(string End, IReadOnlySet<string> Orders)> ByEnd() => _ends
        .GroupBy(order => order.Value, order => order.Key).OrderByDescending(end => end.Count()).ThenBy(end => end.Key)
        .Select(end => (end.Key, (IReadOnlySet<string>)end.ToHashSet()));

    public IEnumerable<(string OrderId, string End)> Of(string beginning)
        => _ends.Where(end => end.Value.StartsWith(beginning, StringComparison.Ordinal)).Select(end => (end.Key, end.Value)).OrderBy(end => end.Key);
}

internal static class PeriodicTimerExtensions
{
    /// <summary>Waits for the next tick; false once it is cancelled.</summary>
    public static async Task<bool> NextAsync(this PeriodicTimer timer, CancellationToken cancellationToken)
    {
        try
        {
            return await timer.WaitForNextTickAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
