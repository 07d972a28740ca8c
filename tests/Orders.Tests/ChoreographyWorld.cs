using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Orders.Choreography;
using Orders.Services;
using Perdure;
using Perdure.Testing;

namespace Orders.Tests;

/// <summary>The choreographed sample in virtual time. The services' files and the network outlive its crashes.</summary>
internal sealed class ChoreographyWorld : IAsyncDisposable
{
    private readonly TestFolder _folder = new(inMemory: true);

    private ChoreographyWorld()
    {
    }

    public FlowTest Test { get; private set; } = null!;

    public ScriptedNetwork Network { get; } = new();

    /// <summary>What was logged, at Information and above.</summary>
    public List<string> Log { get; } = [];

    public PerdureClient Perdure => Test.Perdure;

    public OrderService Orders => Service<OrderService>();

    public PlacedOrders Placed => Service<PlacedOrders>();

    public static async Task<ChoreographyWorld> StartAsync(ChoreographyOptions? options = null)
    {
        var world = new ChoreographyWorld();
        world.Test = await FlowTest.StartAsync(
            services => services.AddSingleton<INetwork>(world.Network).AddOrders(world._folder.Path, options ?? new ChoreographyOptions()),
            new FlowTestOptions { Log = line => world.Log.Add(line) });
        _ = (world.Orders, world.Service<ConsumerService>(), world.Service<KitchenService>(), world.Service<AccountingService>());  // an auditor finds four files
        return world;
    }

    /// <summary>Places an order and lets everybody do what there is to do.</summary>
    public async Task RunAsync(Order order)
    {
        await Placed.PlaceAsync(order);
        await Test.IdleAsync();
    }

    /// <summary>A service hears nothing until it is resumed.</summary>
    public Task PauseAsync(string subscription) => Perdure.Queue(subscription).PauseAsync();

    public async Task ResumeAsync(string subscription)
    {
        await Perdure.Queue(subscription).ResumeAsync();
        await Test.IdleAsync();
    }

    /// <summary>A service hears all events again.</summary>
    public Task RewindAsync(string subscription) => Perdure.Subscription(subscription).RewindAsync(SubscriptionStart.Beginning);

    /// <summary>From now on a command is carried out, and before its answer comes back an hour passes, in which the process may die.</summary>
    public void AnswersLate(string command, bool isDelivered = true) => Network.On(command, async (_, deliver, _) =>
    {
        if (isDelivered)
        {
            await deliver();
        }

        await Task.Delay(TimeSpan.FromHours(1), Service<TimeProvider>());
    });

    public OrderFacts Facts(Order order)
    {
        using var audit = new Audit(Service<DataFolder>());
        return audit.Orders().Single(facts => facts.Id == order.Id);
    }

    public IReadOnlyList<OrderFacts> AllFacts()
    {
        using var audit = new Audit(Service<DataFolder>());
        audit.StrayCharges().ShouldBe(0);
        return [.. audit.Orders().OrderBy(facts => facts.Id)];
    }

    /// <summary>What the services did for an order, and on which event.</summary>
    public IReadOnlyList<string> Trace(Order order)
    {
        using var audit = new Audit(Service<DataFolder>());
        return audit.Trace(order.Id);
    }

    /// <summary>The events about an order, in the order in which they were published.</summary>
    public async Task<IReadOnlyList<string>> EventsAsync(Order order)
        => [.. (await Perdure.ListAsync(new EventFilter { Key = order.Id }).ToListAsync()).OrderBy(e => e.PublishedAt).Select(e => e.Type)];

    public async Task<int> CountAsync<TEvent>(Order order)
        => await Perdure.ListAsync(new EventFilter { Key = order.Id }).CountAsync(e => e.Type == NameOf<TEvent>());

    public async Task<OrderTrack> TrackAsync(Order order) => OrderTrack.Of(await Perdure.Flow<TrackOrder>().Get(order.Id).DescribeAsync());

    /// <summary>Opens a service's file beside the service.</summary>
    public SqliteConnection OpenFile(string service)
    {
        var connection = new SqliteConnection($"Data Source={Service<DataFolder>().File(service)};Pooling=False");
        connection.Open();
        return connection;
    }

    public T Service<T>()
        where T : notnull
        => Test.Services.GetRequiredService<T>();

    public async ValueTask DisposeAsync()
    {
        await Test.DisposeAsync();
        _folder.Dispose();
    }

    private static string NameOf<TEvent>() => string.Concat(typeof(TEvent).Name.Select((c, i) => char.IsUpper(c) && i > 0 ? $"-{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"));
}
