using System.Collections.Concurrent;
using Perdure.Engine;
using Perdure.Storage;

namespace Perdure.Tests;

/// <summary>Messages between shards.</summary>
public sealed class InboxTests
{
    [Fact]
    public async Task A_message_that_comes_again_is_passed_over_though_the_answer_to_the_commit_that_took_it_in_was_lost()
    {
        await using TestHost host = await TestHost.StartAsync(p => p
            .AddEvent<Said>(e => e.What, topic: "sayings")
            .AddFlow("f", (int _, FlowContext flow) =>
            {
                flow.Publish(new Said("once"));
                return Task.FromResult(0);
            }));
        HandOver? late = null;
        bool isLost = false;
        ConcurrentQueue<CommitAnswer> refused = [];
        host.Store.Answer = (batches, answers) =>
        {
            if (batches.SelectMany(b => b.Sent).FirstOrDefault(m => m.Kind == MessageKind.PublishEvent) is { } message)
            {
                late ??= new HandOver(host.Node, message, host.Node.HomeShard.Inbox.Consumed);
            }

            answers.Where(a => a.Outcome != CommitOutcome.Committed).ToList().ForEach(refused.Enqueue);
            if (!isLost && batches.Any(b => b.NewEvents.Count > 0))
            {
                isLost = true;
                throw new IOException("the line was cut");
            }

            return answers;
        };
        await host.Perdure.Flow<int, int>("f").RunAsync(0, "1").Soon();
        await Deadline.UntilAsync("the event", async () => (await host.Perdure.ListAsync(new EventFilter()).ToListAsync()).Count == 1);
        await host.Perdure.PublishAsync(new Said("in between")).Soon(); // its home is ready again
        isLost.ShouldBeTrue();

        late.ShouldNotBeNull().Release(); // as if its sender heard only now that it is durable
        await host.Perdure.PublishAsync(new Said("at last")).Soon();

        refused.ShouldBeEmpty();
        (await host.Perdure.ListAsync(new EventFilter()).ToListAsync()).Select(e => e.Key).ShouldBe(["at last", "in between", "once"]);
    }

    internal sealed record Said(string What);
}
