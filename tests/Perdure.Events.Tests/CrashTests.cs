using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Perdure.Testing;

namespace Perdure.Events.Tests;

/// <summary>A choreography that dies at every point where it can.</summary>
public sealed class CrashTests
{
    [Fact]
    public async Task However_it_dies_every_subscription_hears_of_every_event_and_what_handlers_publish_comes_once()
    {
        CrashReport report = await FlowTest.CrashEverywhereAsync(() => new Outside(), Register, PlayAsync, CheckAsync);

        report.Schedules.ShouldBeGreaterThan(30);
    }

    [Fact]
    public async Task However_it_dies_twice_nothing_is_lost()
        => (await FlowTest.CrashEverywhereAsync(() => new Outside(), Register, PlayAsync, CheckAsync, options: new CrashOptions { CrashesAgain = true })).Schedules.ShouldBeGreaterThan(30);

    private static void Register(IServiceCollection services, Outside outside) => services.AddPerdure(p => p.UseMemory()
        .AddEvent<Placed>(e => e.Order, topic: "order")
        .AddEvent<Paid>(e => e.Order, topic: "payment", e => e.Hold = TimeSpan.FromHours(1))
        .AddEvent<Shipped>(e => e.Order, topic: "order")
        .Subscribe<Placed>("cashier", (e, job) =>
        {
            outside.Note($"cashier {e.Order}");
            job.Publish(new Paid(e.Order));
            return job.Attempt == 1 ? throw new IOException("the line was down") : Task.CompletedTask;
        })
        .Subscribe<Placed>("statistics", (e, _) => outside.NoteAsync($"statistics {e.Order}"))
        .Subscribe<Shipped>("statistics", (e, _) => outside.NoteAsync($"statistics shipped {e.Order}"))
        .AddSubscription("statistics", s => s.ReadAhead = 1)
        .AddFlow<Delivery>()
        .StartOn<Placed, Delivery>());

    private static async Task PlayAsync(CrashRun run, Outside outside)
    {
        await run.Perdure.PublishAsync(new Placed("a"), new PublishOptions { Id = "a" });
        await run.Perdure.PublishAsync(new Placed("b"), new PublishOptions { Id = "b" });
        await run.IdleAsync();
    }

    private static async Task CheckAsync(CrashRun run, Outside outside)
    {
        foreach (string order in (string[])["a", "b"])
        {
            outside.Heard.ShouldContain($"cashier {order}");
            outside.Heard.ShouldContain($"statistics {order}");
            outside.Heard.ShouldContain($"statistics shipped {order}");
            (await run.Perdure.Flow<Delivery>().Get(order).DescribeAsync()).ShouldHaveCompleted();
        }

        List<EventInfo> events = await run.Perdure.ListAsync(new EventFilter()).ToListAsync();
        events.Select(e => $"{e.Type} {e.Key} {e.CorrelationId}").Order().ShouldBe(["paid a a", "paid b b", "placed a a", "placed b b", "shipped a a", "shipped b b"]);
        events.Where(e => e.Type == "paid").ShouldAllBe(e => e.Fate == EventFate.Taken);
        foreach (string subscription in (string[])["cashier", "statistics", "start-delivery"])
        {
            (await run.Perdure.Subscription(subscription).DescribeAsync()).Lag.ShouldBe(0, subscription);
        }
    }

    private sealed class Outside
    {
        private readonly ConcurrentQueue<string> _heard = new();

        public IReadOnlyCollection<string> Heard => _heard;

        public void Note(string what) => _heard.Enqueue(what);

        public Task NoteAsync(string what)
        {
            Note(what);
            return Task.CompletedTask;
        }
    }

    public sealed class Delivery : IFlow<Placed, string>
    {
        public async Task<string> RunAsync(Placed input, FlowContext flow)
        {
            Paid paid = await flow.Event<Paid>(input.Order, TimeSpan.FromDays(1));
            flow.Publish(new Shipped(paid.Order));
            return "shipped";
        }
    }
}
