using System.Collections.Concurrent;
using Perdure.Events;
using Perdure.Storage;

namespace Perdure.Tests;

/// <summary>Events that flows send back.</summary>
public sealed class EventReturnTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Fact]
    public async Task An_event_that_is_forgotten_while_it_is_looked_up_for_another_flow_is_not_written_to()
    {
        await using TestHost host = await TestHost.StartAsync(p => p
            .AddEvent<Came>(e => e.Key, topic: "comings", e => e.Hold = TimeSpan.FromTicks(1))
            .AddTopic("comings", t => t.Retention = TimeSpan.Zero)
            .AddFlow("f", (int _, FlowContext flow) => flow.First(async () => (await flow.Event<Came>("a", Day)).Key, async () => (await flow.Event<Came>("b", Day)).Key)));
        ConcurrentQueue<CommitAnswer> refused = [];
        host.Store.Answer = (_, answers) =>
        {
            answers.Where(a => a.Outcome != CommitOutcome.Committed).ToList().ForEach(refused.Enqueue);
            return answers;
        };
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var forgotten = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Store.AfterReadEvents = (_, _, limit) =>
        {
            if (limit > 1)
            {
                return Task.CompletedTask; // house is kept
            }

            asked.TrySetResult();
            return forgotten.Task;
        };
        int home = host.Node.HomeShard.Index;
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        await Deadline.UntilAsync("two waits", async () => (await host.Memory.ReadEventWaitsAsync(home, CancellationToken.None)).Count == 2);

        await host.Perdure.PublishManyAsync([new Came("a"), new Came("b"), new Came("c")]); // both that it waits for are sent to it, and it takes one
        await run.ResultAsync().Soon();
        await asked.Task.Soon();
        await Deadline.UntilAsync("only the last is kept", async () =>
        {
            host.Node.HomeShard.Post(new ForgetOldEvents());
            return (await host.Memory.ReadEventsAsync(home, "comings", 0, 3, CancellationToken.None)).Count == 1;
        });
        forgotten.SetResult();

        await Deadline.UntilAsync("what was sent back is done with", async () => (await host.Memory.ReadInboxAsync(home, CancellationToken.None)).Count == 0);
        refused.ShouldBeEmpty();
        host.Log.Lines.ShouldContain(l => l.Contains("forgotten by now", StringComparison.Ordinal));
    }

    internal sealed record Came(string Key);
}
