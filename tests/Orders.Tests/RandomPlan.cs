using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Orders.Choreography;
using Orders.Services;
using Perdure;
using Perdure.Testing;

namespace Orders.Tests;

/// <summary>One seed's orders, the answers that their participants give, and what goes wrong on the way. The same seed, the same plan.</summary>
internal sealed class RandomPlan(int seed)
{
    private const int OrderCount = 4;
    private const int DisturbancesMax = 5;

    private static readonly string[] Consumers = ["ada.okafor", "ada.okafor", "ada.okafor", "ada.okafor", "rosa.rossi", "nobody", "mara.chen"];
    private static readonly string[] Restaurants = ["ajanta", "ajanta", "ajanta", "ajanta", "el-asador", "nowhere", "zaytoon"];
    private static readonly string[] Cards = ["visa-1602", "visa-1602", "visa-1602", "visa-1602", "amex-1233", "mc-1679", "none"];

    public IReadOnlyList<Order> Orders { get; } = OrdersOf(new Random(seed));

    /// <summary>Takes the orders through Create Order.</summary>
    /// <param name="choreography">How the services listen to each other; null for the orchestrated form.</param>
    /// <returns>What the services hold at the end, and each change of a state on the way.</returns>
    public async Task<(IReadOnlyList<OrderFacts> Facts, IReadOnlyList<StateChange> Changes)> RunAsync(ChoreographyOptions? choreography)
    {
        using var folder = new TestFolder(inMemory: true);
        var network = new RandomNetwork(seed);
        await using FlowTest test = await FlowTest.StartAsync(services => services
            .AddSingleton<INetwork>(provider => new TimedNetwork(network, provider.GetRequiredService<TimeProvider>())).AddOrders(folder.Path, choreography));
        _ = (test.Services.GetRequiredService<OrderService>(), test.Services.GetRequiredService<ConsumerService>(), test.Services.GetRequiredService<KitchenService>(), test.Services.GetRequiredService<AccountingService>());
        StateChange.WatchAll(folder);

        foreach (Order order in Orders)
        {
            await (choreography is null
                ? test.Perdure.Flow<CreateOrder>().StartAsync(order, id: order.Id)
                : test.Services.GetRequiredService<PlacedOrders>().PlaceAsync(order));
        }

        var chance = new Random(~seed);
        for (int i = chance.Next(DisturbancesMax + 1); i > 0; i--)
        {
            await test.AdvanceAsync(TimeSpan.FromSeconds(10 * chance.NextDouble()));
            await DisturbAsync(test, chance, isChoreography: choreography is not null);
        }

        await test.IdleAsync();
        await test.AdvanceAsync(TimeSpan.FromHours(1));     // every timer has rung
        using var audit = new Audit(new DataFolder(folder.Path));
        audit.StrayCharges().ShouldBe(0);
        return ([.. audit.Orders().OrderBy(facts => facts.Id)], StateChange.ReadAll(folder));
    }

    public override string ToString() => $"seed {seed}";

    /// <summary>Lets the process die; in a choreography also lets a service hear everything again, or nothing for a while.</summary>
    private static async Task DisturbAsync(FlowTest test, Random chance, bool isChoreography)
    {
        string service = Choreography.Choreography.Services[chance.Next(4)];
        switch (isChoreography ? chance.Next(3) : 0)
        {
            case 0:
                await test.CrashAsync();
                break;
            case 1:
                await test.Perdure.Subscription(service).RewindAsync(SubscriptionStart.Beginning);
                break;
            default:
                await test.Perdure.Queue(service).PauseAsync();
                await test.AdvanceAsync(TimeSpan.FromSeconds(20 * chance.NextDouble()));
                await test.Perdure.Queue(service).ResumeAsync();
                break;
        }
    }

    private static IReadOnlyList<Order> OrdersOf(Random chance) =>
    [
        .. Enumerable.Range(1, OrderCount).Select(id =>
        {
            string consumer = Consumers[chance.Next(Consumers.Length)];
            int quantity = consumer == "mara.chen" ? 10 : 1;    // over her limit
            return Some.GoodOrder with
            {
                Id = $"{id}",
                Consumer = consumer,
                Restaurant = Restaurants[chance.Next(Restaurants.Length)],      // zaytoon has no samosas
                Card = Cards[chance.Next(Cards.Length)],
                Items = [new LineItem("Samosa", quantity, 5.50m)],
            };
        }),
    ];

    /// <summary>Chance of each call by itself, in whatever order they come: each is late, and may fail, or lose its answer, at most twice.</summary>
    private sealed class RandomNetwork(int seed)
    {
        private const int FaultsMax = 2;
        private readonly ConcurrentDictionary<Call, int> _calls = new();

        public (TimeSpan Delay, double Fate) Next(Call call)
        {
            int nth = _calls.AddOrUpdate(call, 1, (_, n) => n + 1);
            int hash = $"{seed} {call} {nth}".Aggregate(17, (h, c) => unchecked((h * 31) + c));
            var chance = new Random(hash);
            return (TimeSpan.FromSeconds(3 * chance.NextDouble()), nth > FaultsMax ? 1 : chance.NextDouble());
        }
    }

    private sealed class TimedNetwork(RandomNetwork network, TimeProvider time) : INetwork
    {
        public async Task<T> CallAsync<T>(Call call, Func<Task<T>> work, CancellationToken cancellationToken)
        {
            (TimeSpan delay, double fate) = network.Next(call);
            await Task.Delay(delay, time, cancellationToken);
            if (fate < 0.15)
            {
                throw new ServiceUnavailableException(call);
            }

            if (fate is > 0.3 and < 0.35)
            {
                throw new TimeoutException($"{call} did not arrive");
            }

            T answer = await work();
            return fate < 0.3 ? throw new AnswerLostException(call) : answer;
        }
    }
}

/// <summary>A change of an order's, a ticket's or an authorization's state, as the services' own files saw it.</summary>
internal sealed record StateChange(string Table, string OrderId, string From, string To)
{
    private static readonly (string File, string Table)[] Tables = [("order-service", "orders"), ("kitchen-service", "ticket"), ("accounting-service", "authorization")];
    private static readonly HashSet<string> Final =
    [
        OrderState.Rejected, OrderState.Cancelled, TicketState.CreateRejected, TicketState.Cancelled, AuthorizationState.Failed, AuthorizationState.Voided,
    ];

    /// <summary>Whether it leaves a state from which there is no way.</summary>
    public bool LeavesFinal => Final.Contains(From);

    public static void WatchAll(TestFolder folder) => Tables.ToList().ForEach(of =>
    {
        using SqliteConnection db = Open(folder, of.File);
        db.Execute($"""
            CREATE TABLE state_change (order_id TEXT, was TEXT, is_now TEXT);
            CREATE TRIGGER watch_state AFTER UPDATE OF state ON {of.Table} WHEN old.state <> new.state
            BEGIN INSERT INTO state_change VALUES (new.order_id, old.state, new.state); END
            """);
    });

    public static IReadOnlyList<StateChange> ReadAll(TestFolder folder) => [.. Tables.SelectMany(of =>
    {
        using SqliteConnection db = Open(folder, of.File);
        return db.Query("SELECT order_id, was, is_now FROM state_change ORDER BY rowid", row => new StateChange(of.Table, row.GetString(0), row.GetString(1), row.GetString(2)));
    })];

    private static SqliteConnection Open(TestFolder folder, string file)
    {
        var db = new SqliteConnection($"Data Source={new DataFolder(folder.Path).File(file)};Pooling=False");
        db.Open();
        return db;
    }
}
