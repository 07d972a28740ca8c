using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Perdure.Bench.Runner;

/// <summary>So many clients, each of which waits for its answer before it asks again.</summary>
internal static class ClosedLoop
{
    /// <summary>Calls <paramref name="ask"/> with 0 to n - 1, at most one call per client at a time; the first failure stops all.</summary>
    /// <remarks>What is measured is called without a token: registering with one for each call would be measured, too.</remarks>
    public static async Task<Latencies> RunAsync(int n, int clients, Func<int, Task> ask, CancellationToken cancellationToken)
    {
        var latencies = new Latencies();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Exception? failure = null;
        int next = -1;
        try
        {
            // Only here, and not at each call, so that the loop itself costs next to nothing.
            await Task.WhenAll(Enumerable.Range(0, Math.Min(n, clients)).Select(_ => Task.Run(ClientAsync, stop.Token))).WaitAsync(stop.Token);
        }
        catch (OperationCanceledException) when (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        return latencies;

        async Task ClientAsync()
        {
            try
            {
                for (int i = Interlocked.Increment(ref next); i < n && !stop.IsCancellationRequested; i = Interlocked.Increment(ref next))
                {
                    long asked = Stopwatch.GetTimestamp();
                    await ask(i);
                    latencies.AddSince(asked);
                }
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref failure, e, null);
                await stop.CancelAsync();
            }
        }
    }
}
