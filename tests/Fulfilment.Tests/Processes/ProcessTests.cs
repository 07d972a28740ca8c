using System.Diagnostics;
using Fulfilment.Participants;
using Perdure.RabbitMq.Tests;
using RabbitMQ.Client;
using Xunit.Abstractions;

namespace Fulfilment.Tests.Processes;

/// <summary>Five services, five processes with a file each, and a real broker between them; one after the other is killed when a message has come.</summary>
[Collection(OneBroker.Name)]
public sealed class ProcessTests(RabbitServer broker, ITestOutputHelper output) : IAsyncLifetime
{
    private const int Orders = 17;      // among them one of unicorns and one to nowhere
    private static readonly string[] Services = ["checkout", "order", "payment", "inventory", "shipment"];
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private readonly string _folder = Directory.CreateTempSubdirectory("fulfilment-").FullName;
    private readonly List<ServiceProcess> _processes = [];

    private static bool IsLong => Environment.GetEnvironmentVariable("PERDURE_LONG") == "1";

    public async Task InitializeAsync()
    {
        await using IConnection connection = await new ConnectionFactory { Uri = broker.Uri }.CreateConnectionAsync();
        await using IChannel channel = await connection.CreateChannelAsync();
        foreach (string name in Services)   // nothing is left of the test before
        {
            await channel.QueueDeleteAsync(name);
            await channel.QueueDeleteAsync($"{name}.dead-letters");
            await channel.ExchangeDeleteAsync(name);
        }
    }

    public Task DisposeAsync()
    {
        _processes.ForEach(process => process.Dispose());
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }

    /// <summary>Each kind of message once, and no service more than twice in one go: after three deaths in a row it would be the suspect.</summary>
    [Theory]
    [InlineData("order OrderPlacedEvent", "payment RetrievePaymentCommand", "inventory FetchGoodsCommand", "shipment ShipGoodsCommand", "checkout NewCardWantedEvent", "order PaymentReceivedEvent")]
    [InlineData("order GoodsFetchedEvent", "order GoodsShippedEvent", "payment CreditCardUpdatedEvent", "inventory PutBackGoodsCommand", "checkout OrderCompletedEvent", "payment RefundPaymentCommand")]
    [InlineData("order GoodsNotFetchedEvent", "order GoodsNotShippedEvent", "checkout OrderCancelledEvent")]
    public Task Killed_at_a_message_a_service_goes_on_and_every_order_ends_right(params string[] kills) => PlayAsync(Style.Orchestrated, Orders, kills);

    /// <summary>The same where nobody leads.</summary>
    [Theory]
    [InlineData("payment OrderPlaced", "inventory PaymentReceived", "shipment GoodsFetched", "checkout OrderCompleted", "payment GoodsNotShipped", "inventory GoodsNotShipped")]
    public Task Killed_at_an_event_a_service_goes_on_and_every_order_ends_right(params string[] kills) => PlayAsync(Style.Choreographed, Orders, kills);

    /// <summary>Every message of five orders, one kill at a time; as many goes as there are messages.</summary>
    [Fact]
    public async Task Killed_at_every_single_message_every_order_ends_right()
    {
        List<string> messages = [.. await PlayAsync(Style.Orchestrated, 5)];
        messages.Count.ShouldBeGreaterThan(30);
        foreach (string message in IsLong ? messages : messages.Where(message => message == "payment RetrievePaymentCommand 5"))
        {
            await DisposeAsync();
            _processes.Clear();
            Directory.CreateDirectory(_folder);
            await InitializeAsync();
            await PlayAsync(Style.Orchestrated, 5, message);
        }
    }

    /// <returns>The messages that came, each with its service.</returns>
    private async Task<IReadOnlyList<string>> PlayAsync(Style style, int orders, params string[] kills)
    {
        long start = Stopwatch.GetTimestamp();
        foreach (string name in Services)
        {
            _processes.Add(new ServiceProcess(name, kills.Where(kill => kill.StartsWith($"{name} ", StringComparison.Ordinal)).Select(kill => kill[(name.Length + 1)..]),
                "--style", $"{style}", "--orders", $"{orders}", "--data", _folder, "--amqp", $"{broker.Uri}"));
        }

        try
        {
            string end = await _processes[0].Done.WaitAsync(Patience);
            end.ShouldContain($"{orders} orders: {orders - Enumerable.Range(1, orders).Count(IsInVain)} completed, {Enumerable.Range(1, orders).Count(IsInVain)} cancelled");
            await SettleAsync();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{e.Message}{Environment.NewLine}{string.Concat(_processes)}", e);
        }

        string[] heard = [.. _processes.Zip(Services).SelectMany(pair => pair.First.Heard.Select(message => $"{pair.Second} {message}"))];
        _processes.Sum(process => process.Deaths).ShouldBe(kills.Length, string.Concat(_processes));
        _processes.ForEach(process => process.Dispose());
        using var books = new Books(_folder);
        ShouldBeInOrder(books, orders);
        output.WriteLine($"{kills.Length} kills, {heard.Length} messages, {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
        return heard;
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
