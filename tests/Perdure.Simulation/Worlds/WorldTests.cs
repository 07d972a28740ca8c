using Perdure.Storage;
using Perdure.Testing.Virtual;

namespace Perdure.Simulation.Worlds;

/// <summary>The world that the simulator, and the test kit, run engines in.</summary>
public sealed class WorldTests
{
    private const int Shards = 4;

    private static readonly TimeSpan Limit = TimeSpan.FromDays(60);

    [Fact]
    public void The_same_seed_gives_the_same_course_of_events()
    {
        (ulong first, string firstEnd) = Orders(seed: 7, WorkOrder.ByChance);
        (ulong second, string secondEnd) = Orders(seed: 7, WorkOrder.ByChance);
        (ulong other, _) = Orders(seed: 8, WorkOrder.ByChance);
        second.ShouldBe(first);
        secondEnd.ShouldBe(firstEnd);
        other.ShouldNotBe(first);
    }

    [Fact]
    public void In_turn_the_order_of_events_hangs_on_nothing_but_what_is_asked()
    {
        Orders(seed: 1, WorkOrder.InTurn).ShouldBe(Orders(seed: 1, WorkOrder.InTurn));
    }

    [Fact]
    public void A_wait_of_a_month_takes_no_time()
    {
        var world = new World(seed: 1);
        DateTimeOffset before = world.Now;
        var store = new MemoryStore();
        world.DueElsewhere = () => NextWake.Of(store, Shards);
        VirtualHost host = NewHost(world, store, p => p.AddFlow<int, int>("sleeper", async (days, flow) =>
        {
            await flow.Delay(TimeSpan.FromDays(days));
            return days;
        }));
        world.Run(async () =>
        {
            await host.StartAsync();
            (await host.Perdure.Flow<int, int>("sleeper").RunAsync(30)).ShouldBe(30);
        });
        (world.Now - before).ShouldBeInRange(TimeSpan.FromDays(30), TimeSpan.FromDays(30) + TimeSpan.FromSeconds(1));
        world.Steps.ShouldBeLessThan(5_000);
    }

    [Fact]
    public void A_world_in_which_nothing_can_happen_any_more_stands_still_and_says_so()
    {
        var world = new World(seed: 1) { DueElsewhere = () => null };
        VirtualHost host = NewHost(world, new MemoryStore(), p => p.AddFlow<int, int>("waiter", (_, flow) => flow.Signal<int>("go", TimeSpan.MaxValue)));
        world.Run(host.StartAsync);
        Should.Throw<InvalidOperationException>(() => world.Run(() => host.Perdure.Flow<int, int>("waiter").RunAsync(1)));
    }

    [Fact]
    public void Work_of_another_thread_is_waited_for_before_time_moves()
    {
        var world = new World(seed: 1);
        DateTimeOffset before = world.Now;
        world.Run(async () =>
        {
            using (world.BeginForeignWork())
            {
                var awaited = new TaskCompletionSource();
                SynchronizationContext.Current!.Post(_ => awaited.SetResult(), null); // runs once this method has begun to wait
                await Task.Run(() => awaited.Task.ContinueWith(static _ => 1, TaskScheduler.Default));
            }
        });
        world.ForeignPosts.ShouldBeGreaterThan(0);
        world.Now.ShouldBe(before);
    }

    [Fact]
    public void A_place_that_is_paused_goes_on_later_and_one_that_died_never()
    {
        var world = new World(seed: 1);
        Place place = world.NewPlace("process");
        List<string> seen = [];
        using ITimer timer = place.Time.CreateTimer(_ => seen.Add("tick"), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10));
        place.Pause();
        world.Advance(TimeSpan.FromSeconds(5));
        seen.ShouldBeEmpty();
        place.Resume();
        world.RunReady();
        seen.ShouldBe(["tick"]);
        place.Die();
        world.Advance(TimeSpan.FromSeconds(60));
        seen.ShouldBe(["tick"]);
    }

    private static (ulong Hash, string End) Orders(ulong seed, WorkOrder order)
    {
        var world = new World(seed, order);
        var store = new MemoryStore();
        List<string> done = [];
        VirtualHost host = NewHost(world, store, p => p.AddFlow<int, int>("order", async (input, flow) =>
        {
            int paid = await flow.Step(s => PayAsync(world, host: s, done, input), undo: (_, _) => Say(done, "unpaid"), name: "pay");
            await flow.Delay(TimeSpan.FromSeconds(flow.Random.Next(100)));
            int first = await flow.First<int>(
                _ => flow.Signal<int>("go", Limit),
                async _ =>
                {
                    await flow.Delay(TimeSpan.FromHours(1));
                    return -1;
                });
            await Task.WhenAll(Enumerable.Range(0, 3).Select(i => flow.Step(() => Say(done, $"ship {input}.{i}"), name: $"ship{i}")));
            return paid + first;
        }));
        List<int> results = [];
        world.Run(async () =>
        {
            await host.StartAsync();
            IFlowClient<IFlow<int, int>> orders = host.Perdure.Flow<int, int>("order");
            Task<int>[] runs = [.. Enumerable.Range(0, 8).Select(i => orders.RunAsync(i, id: $"o{i}"))];
            await Task.Delay(TimeSpan.FromSeconds(20), world.Outside.Time);
            await orders.Get("o3").SignalAsync(5, "go");
            await orders.Get("o4").CancelAsync();
            foreach (Task<int> run in runs)
            {
                try
                {
                    results.Add(await run);
                }
                catch (FlowCancelledException)
                {
                    results.Add(-100);
                }
            }

            await host.StopAsync();
        });
        results[3].ShouldBe(8);
        results[4].ShouldBe(-100);
        world.ForeignPosts.ShouldBe(0);
        return (world.Trace.Hash, $"{string.Join(' ', done)} {string.Join(' ', results)}");
    }

    private static async Task<int> PayAsync(World world, StepContext host, List<string> done, int order)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(world.Chance.Next(1, 2000)), world.Outside.Time, host);
        done.Add($"paid {order}");
        return world.Chance.Next(10) < 3 && host.Attempt < 3 ? throw new TimeoutException() : order;
    }

    private static Task Say(List<string> done, string what)
    {
        done.Add(what);
        return Task.CompletedTask;
    }

    private static VirtualHost NewHost(World world, MemoryStore store, Action<PerdureBuilder> configure) => new(world.NewPlace("process"), p =>
    {
        p.Configure(o => o.ShardCount = Shards);
        p.Configure(o => o.Loops = 2);
        p.UseMemory(store);
        configure(p);
    });
}
