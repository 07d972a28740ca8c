using System.Collections.Concurrent;
using Perdure.Storage;

namespace Perdure.Tests;

/// <summary>Groups of batches under way, and the mail that waits for them.</summary>
public class CommitTests
{
    private const int Many = 64;

    [Fact]
    public async Task While_the_store_has_no_room_what_needs_no_commit_is_answered()
    {
        var waiting = new ConcurrentDictionary<long, bool>();
        var allWait = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestHost host = await TestHost.StartAsync(p => p.Configure(o => o.Loops = 1).AddFlow("f", (int n, FlowContext _) => Task.FromResult(n)));
        var flows = host.Perdure.Flow<int, int>("f");
        FlowHandle<int> ended = await flows.StartAsync(7, "ended");
        (await ended.ResultAsync().Soon()).ShouldBe(7);

        // While the loop is held in a commit the starts come, so that its next group has all of them: a shard has one batch in flight.
        var held = new TaskCompletionSource();
        using var letGo = new ManualResetEventSlim();
        host.Store.IsFull = _ =>
        {
            held.TrySetResult();
            letGo.Wait();
            return false;
        };
        Task<FlowHandle<int>> first = flows.StartAsync(7, "first");
        await held.Task.Soon();
        List<Task<int>> runs = [.. Enumerable.Range(0, Many).Select(n => flows.RunAsync(n, $"{n}"))];
        host.Store.IsFull = batches =>
        {
            foreach (HistoryRow row in batches.SelectMany(b => b.History))
            {
                waiting[row.Run] = true;
            }

            if (waiting.Count >= Many / 2)
            {
                allWait.TrySetResult();
            }

            return true;
        };
        letGo.Set();
        await first.Soon();
        await allWait.Task.Soon();

        (await ended.ResultAsync().Soon()).ShouldBe(7);
        runs.ShouldAllBe(r => !r.IsCompleted);
        host.Store.IsFull = null;
        (await Task.WhenAll(runs).Soon()).ShouldBe(Enumerable.Range(0, Many));
    }
}
