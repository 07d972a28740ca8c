using System.Diagnostics;
using Fulfilment.Participants;
using Perdure.RabbitMq.Tests;
using Xunit.Abstractions;

namespace Fulfilment.Tests.Processes;

/// <summary>Five services, five processes with a file each, and a real broker between them. When a message has come to one of them, one of them is killed: who hears it, who sent it, or one that has no part in it.</summary>
[Collection(OneBroker.Name)]
public sealed class ProcessTests(RabbitServer broker, ITestOutputHelper output) : IAsyncLifetime
{
    private const int Orders = 17;      // among them one of unicorns, and one to nowhere
    private static readonly string[] Services = ["checkout", "order", "payment", "inventory", "shipment"];

    private static readonly string[] Choreographed =
    [
        "payment OrderPlaced", "checkout NewCardWantedEvent", "payment CreditCardUpdatedEvent", "inventory PaymentReceived", "checkout PaymentReceived", "shipment GoodsFetched",
        "checkout GoodsFetched", "payment GoodsNotFetched", "checkout GoodsNotFetched", "payment GoodsNotShipped", "inventory GoodsNotShipped", "checkout GoodsNotShipped",
        "checkout GoodsShipped", "checkout OrderCompleted",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("fulfilment-").FullName;
    private readonly Lock _lock = new();
    private readonly List<ServiceProcess> _processes = [];

    /// <summary>Who is still to die, and when.</summary>
    private readonly List<(string Service, string Message)> _kills = [];

    public Task InitializeAsync() => CleanBroker.AsNewAsync(broker.Uri);

    public Task DisposeAsync()
    {
        _processes.ForEach(process => process.Dispose());
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }

    /// <summary>
    /// Each service dies once at each kind of message of an order that is completed, and once at one of an order in vain. In the long run also at
    /// each of the latter, where nobody leads, and who hears it at every single message of five orders.
    /// </summary>
    /// <remarks>No service more than four times in one go: after two deaths in a row it runs things alone, and what runs alone at three more is the suspect.</remarks>
    public static TheoryData<Style, int, string[]> Kills()
    {
        string[] completed =
        [
            "order OrderPlacedEvent", "payment RetrievePaymentCommand", "checkout NewCardWantedEvent", "payment CreditCardUpdatedEvent", "order PaymentReceivedEvent",
            "inventory FetchGoodsCommand", "order GoodsFetchedEvent", "shipment ShipGoodsCommand", "order GoodsShippedEvent", "checkout OrderCompletedEvent",
        ];
        string[] inVain = ["order GoodsNotFetchedEvent", "order GoodsNotShippedEvent", "inventory PutBackGoodsCommand", "payment RefundPaymentCommand", "checkout OrderCancelledEvent"];
        var goes = new TheoryData<Style, int, string[]>
        {
            { Style.Orchestrated, Orders, [.. InTurn(Services, completed, 0), .. InTurn(Services, completed, 1)] },
            { Style.Orchestrated, Orders, [.. InTurn(Services, completed, 2), .. InTurn(Services, completed, 3)] },
            { Style.Orchestrated, Orders, [.. InTurn(Services, completed, 4), .. InTurn(Services, inVain, 0)] },
        };
        if (Environment.GetEnvironmentVariable("PERDURE_LONG") == "1")
        {
            goes.Add(Style.Orchestrated, Orders, [.. Enumerable.Range(1, 4).SelectMany(turn => InTurn(Services, inVain, turn))]);
            string[] services = ServicesOf(Style.Choreographed);
            for (int turn = 0; turn < services.Length; turn++)
            {
                goes.Add(Style.Choreographed, Orders, InTurn(services, Choreographed, turn));
            }

            foreach (string message in EveryMessage(5))
            {
                goes.Add(Style.Orchestrated, 5, [$"{message[..message.IndexOf(' ', StringComparison.Ordinal)]} at {message}"]);
            }
        }

        return goes;
    }

    [Theory]
    [MemberData(nameof(Kills))]
    public async Task Whoever_is_killed_at_a_message_goes_on_and_every_order_ends_right(Style style, int orders, string[] kills)
    {
        long start = Stopwatch.GetTimestamp();
        _kills.AddRange(kills.Select(kill => kill.Split(" at ")).Select(kill => (kill[0], kill[1])));
        lock (_lock)
        {
            _processes.AddRange(ServicesOf(style).Select(name => new ServiceProcess(name, Hear, "--style", $"{style}", "--orders", $"{orders}", "--data", _folder, "--amqp", $"{broker.Uri}")));
        }

        try
        {
            int inVain = Enumerable.Range(1, orders).Count(IsInVain);
            await Deadline.For(_processes[0].Done, "the checkout ends");
            (await _processes[0].Done).ShouldContain($"{orders} orders: {orders - inVain} completed, {inVain} cancelled");
            await SettleAsync(kills.Length);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{e.Message}{Environment.NewLine}{string.Join(", ", _kills)}{Environment.NewLine}{string.Concat(_processes)}", e);
        }

        _processes.ForEach(process => process.Dispose());
        _processes.ShouldAllBe(process => process.Starts == 1 + kills.Count(kill => kill.StartsWith($"{process.Name} at ", StringComparison.Ordinal)));
        using var books = new Books(_folder);
        ShouldBeInOrder(books, orders);
        output.WriteLine($"{kills.Length} kills in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
    }

    /// <summary>Where nobody leads there is no Order.</summary>
    private static string[] ServicesOf(Style style) => [.. Services.Where(service => style != Style.Choreographed || service != "order")];

    /// <summary>One kill for each message; over all turns each service dies at each.</summary>
    private static string[] InTurn(string[] services, string[] messages, int turn) => [.. messages.Select((message, i) => $"{services[(i + turn) % services.Length]} at {message}")];

    private static IEnumerable<string> EveryMessage(int orders)
    {
        string[] usual =
        [
            "order OrderPlacedEvent", "payment RetrievePaymentCommand", "order PaymentReceivedEvent", "inventory FetchGoodsCommand", "order GoodsFetchedEvent",
            "shipment ShipGoodsCommand", "order GoodsShippedEvent", "checkout OrderCompletedEvent",
        ];
        return [.. Enumerable.Range(1, orders).SelectMany(order => usual.Select(message => $"{message} {order}")), "checkout NewCardWantedEvent 5", "payment CreditCardUpdatedEvent 5"];
    }

    /// <summary>A message has come to a service. If somebody is to die at it, one does; where two are, the other at the next of its kind.</summary>
    /// <param name="heard">Who hears it, its type, and its order.</param>
    private void Hear(string heard)
    {
        ServiceProcess? dies = null;
        lock (_lock)
        {
            int kill = _kills.FindIndex(kill => $"{heard} ".StartsWith($"{kill.Message} ", StringComparison.Ordinal));
            if (kill >= 0)
            {
                dies = _processes.Single(process => process.Name == _kills[kill].Service);
                _kills.RemoveAt(kill);
            }
        }

        dies?.Kill();
    }

    /// <summary>Nobody waits for those who undo, so the end of the last order is not yet theirs.</summary>
    private async Task SettleAsync(int kills)
    {
        foreach (string message in Untold())
        {
            Hear(message);
        }

        using var books = new Books(_folder);
        await Deadline.Until(
            () => _processes.Sum(process => process.Starts) == _processes.Count + kills && new Audit(books).Orders().All(facts => facts.Violation() is null),
            "each kill is done, and all is undone that is to be");
    }

    /// <summary>A checkout that has ended has had every message that comes to it, but it ends without a word of the last ones.</summary>
    private List<string> Untold()
    {
        lock (_lock)
        {
            return [.. _kills.Select(kill => kill.Message).Where(message => message.StartsWith("checkout ", StringComparison.Ordinal))];
        }
    }

    private static void ShouldBeInOrder(Books books, int orders)
    {
        var audit = new Audit(books);
        audit.Strays().ShouldBe(0);
        audit.Orders().Select(facts => facts.Violation()).ShouldAllBe(violation => violation == null);
        audit.Orders().ToDictionary(facts => facts.Id, facts => facts.End).ShouldBe(
            Enumerable.Range(1, orders).ToDictionary(number => $"{number}", number => (string?)(IsInVain(number) ? "cancelled" : "completed")), ignoreOrder: true);
    }

    private static bool IsInVain(int number) => number is 13 or 17;
}
