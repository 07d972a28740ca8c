using Microsoft.Extensions.DependencyInjection;
using Perdure.Testing;

namespace Perdure.Events.Tests;

public sealed record Placed(string Order, int Amount = 1);

public sealed record Paid(string Order);

public sealed record Shipped(string Order);

/// <summary>An application whose subscribers a test writes, and what they heard.</summary>
internal sealed class Market : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly List<string> _heard = [];
    private Action<IServiceCollection> _services = null!;

    public FlowTest Test { get; private set; } = null!;

    public PerdureClient Perdure => Test.Perdure;

    /// <summary>What handlers did, in order.</summary>
    public IReadOnlyList<string> Heard
    {
        get
        {
            lock (_lock)
            {
                return [.. _heard];
            }
        }
    }

    public static async Task<Market> OpenAsync(Action<Market, PerdureBuilder> configure, TestTime time = TestTime.MovesByItself, Action<string>? log = null)
    {
        var market = new Market();
        market._services = services => services.AddPerdure(p =>
        {
            p.UseMemory().AddEvent<Placed>(e => e.Order, topic: "order").AddEvent<Paid>(e => e.Order, topic: "payment", e => e.Hold = TimeSpan.FromHours(1)).AddEvent<Shipped>(e => e.Order, topic: "order", e => e.Hold = TimeSpan.FromHours(1));
            AddSleep(p);
            configure(market, p);
        });
        market.Test = await FlowTest.StartAsync(market._services, new FlowTestOptions { Time = time, Log = log });
        return market;
    }

    public void Note(string what)
    {
        lock (_lock)
        {
            _heard.Add(what);
        }
    }

    /// <summary>Notes what the event is about, under the subscription's name.</summary>
    public Task Hear(Placed placed, JobContext job)
    {
        Note($"{job.Queue} {placed.Order}");
        return Task.CompletedTask;
    }

    public Task PublishAsync(params IEnumerable<string> orders) => Perdure.PublishManyAsync(orders.Select(o => new Placed(o)));

    public async Task<List<EventInfo>> EventsAsync(EventFilter? filter = null)
    {
        List<EventInfo> events = [];
        await foreach (EventInfo e in Perdure.ListAsync(filter ?? new EventFilter()))
        {
            events.Add(e);
        }

        events.Reverse();
        return events;
    }

    /// <summary>Works for a while, by the test's clock.</summary>
    public Task WorkAsync(TimeSpan time, CancellationToken cancellationToken) => Task.Delay(time, Test.Services.GetRequiredService<TimeProvider>(), cancellationToken);

    /// <summary>Lets time pass and the engine keep house: a test's time does not move for that alone.</summary>
    public async Task KeepHouseAsync()
    {
        await Perdure.Flow<TimeSpan, NoResult>("sleep").StartAsync(TimeSpan.FromMinutes(1));
        await Test.AdvanceAsync(TimeSpan.FromMinutes(2));
    }

    public static PerdureBuilder AddSleep(PerdureBuilder perdure) => perdure.AddFlow<TimeSpan>("sleep", (time, flow) => flow.Delay(time));

    public Task CrashAsync() => Test.CrashAsync();

    public ValueTask DisposeAsync() => Test.DisposeAsync();
}
