using System.Diagnostics;
using Fulfilment.Participants;
using Perdure.RabbitMq.Tests;
using Xunit.Abstractions;

namespace Fulfilment.Tests.Processes;

/// <summary>Five services, five processes with a file each, and a real broker between them; a service is killed when a message has come to it. Who sent it lives on.</summary>
[Collection(OneBroker.Name)]
public sealed class ProcessTests(RabbitServer broker, ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly string[] Services = ["checkout", "order", "payment", "inventory", "shipment"];
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private readonly string _folder = Directory.CreateTempSubdirectory("fulfilment-").FullName;
    private readonly List<ServiceProcess> _processes = [];

    public Task InitializeAsync() => CleanBroker.AsNewAsync(broker.Uri);

    public Task DisposeAsync()
    {
        _processes.ForEach(process => process.Dispose());
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }

    /// <summary>Which services die, at which messages: each kind that comes to pass while nobody cancels and no limit is reached, once. In the long run also where nobody leads, and at every message of five orders.</summary>
    /// <remarks>No service more than three times in one go: after two deaths in a row it runs things alone, and what runs alone at three deaths is the suspect.</remarks>
    public static TheoryData<Style, int, string[]> Kills()
    {
        var goes = new TheoryData<Style, int, string[]>
        {
            {
                Style.Orchestrated, 17, // among them one of unicorns, and one to nowhere
                ["order OrderPlacedEvent", "order PaymentReceivedEvent", "order GoodsFetchedEvent", "payment RetrievePaymentCommand", "inventory FetchGoodsCommand", "shipment ShipGoodsCommand", "checkout NewCardWantedEvent"]
            },
            {
                Style.Orchestrated, 17,
                ["order GoodsShippedEvent", "order GoodsNotFetchedEvent", "order GoodsNotShippedEvent", "payment CreditCardUpdatedEvent", "payment RefundPaymentCommand", "inventory PutBackGoodsCommand", "checkout OrderCompletedEvent", "checkout OrderCancelledEvent"]
            },
        };
        if (Environment.GetEnvironmentVariable("PERDURE_LONG") == "1")
        {
            goes.Add(Style.Choreographed, 17,
                ["payment OrderPlaced", "inventory PaymentReceived", "shipment GoodsFetched", "checkout OrderCompleted", "payment GoodsNotShipped", "payment GoodsNotFetched", "inventory GoodsNotShipped", "checkout PaymentReceived"]);
            foreach (string kill in EveryMessage(5))
            {
                goes.Add(Style.Orchestrated, 5, [kill]);
            }
        }

        return goes;
    }

    [Theory]
    [MemberData(nameof(Kills))]
    public async Task Killed_at_a_message_a_service_goes_on_and_every_order_ends_right(Style style, int orders, string[] kills)
    {
        long start = Stopwatch.GetTimestamp();
        foreach (string name in Services)
        {
            _processes.Add(new ServiceProcess(name, kills.Where(kill => kill.StartsWith($"{name} ", StringComparison.Ordinal)).Select(kill => kill[(name.Length + 1)..]),
                "--style", $"{style}", "--orders", $"{orders}", "--data", _folder, "--amqp", $"{broker.Uri}"));
        }

        try
        {
            int inVain = Enumerable.Range(1, orders).Count(IsInVain);
            (await _processes[0].Done.WaitAsync(Patience)).ShouldContain($"{orders} orders: {orders - inVain} completed, {inVain} cancelled");
            await SettleAsync();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{e.Message}{Environment.NewLine}{string.Concat(_processes)}", e);
        }

        _processes.ForEach(process => process.Dispose());
        _processes.Where(process => process.Deaths > 0).Select(process => process.Name).ShouldBe(kills.Select(kill => kill[..kill.IndexOf(' ', StringComparison.Ordinal)]).Distinct(), ignoreOrder: true, string.Concat(_processes));
        using var books = new Books(_folder);
        ShouldBeInOrder(books, orders);
        output.WriteLine($"{kills.Length} kills in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
    }

    private static IEnumerable<string> EveryMessage(int orders)
    {
        string[] usual =
        [
            "order OrderPlacedEvent", "payment RetrievePaymentCommand", "order PaymentReceivedEvent", "inventory FetchGoodsCommand", "order GoodsFetchedEvent",
            "shipment ShipGoodsCommand", "order GoodsShippedEvent", "checkout OrderCompletedEvent",
        ];
        return [.. Enumerable.Range(1, orders).SelectMany(order => usual.Select(message => $"{message} {order}")), "checkout NewCardWantedEvent 5", "payment CreditCardUpdatedEvent 5"];
    }

    /// <summary>Nobody waits for those who undo, so the end of the last order is not yet theirs.</summary>
    private async Task SettleAsync()
    {
        using var books = new Books(_folder);
        using var late = new CancellationTokenSource(Patience);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (new Audit(books).Orders().Any(facts => facts.Violation() is not null) || _processes.Any(process => process.Missed.Count > 0))
        {
            (await timer.WaitForNextTickAsync(late.Token)).ShouldBeTrue();
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
