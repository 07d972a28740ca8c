using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Perdure.Shared;

namespace Perdure.RabbitMq.Tests.Guide;

public sealed record OrderPlaced(string OrderId, int Amount);

public sealed record PaymentReceived(string OrderId);

public sealed class Cashier : IHandler<PaymentReceived>
{
    public Task HandleAsync(PaymentReceived payment, JobContext context) => Task.CompletedTask;
}

/// <summary>The code and the tables of docs/guides/rabbitmq.md.</summary>
public sealed class GuideTests
{
    private const string Guide = "docs/guides/rabbitmq.md";

    [Fact]
    public void The_guides_code_is_compiled() => GuideCode.Differences(Guide, "tests/Perdure.RabbitMq.Tests/Guide").ShouldBeEmpty();

    [Fact]
    public async Task The_guides_bridges_fit_together_and_their_health_is_asked_for()
    {
        var services = new ServiceCollection();
        services.AddLogging();
        // docs: shop
        services.AddPerdure(perdure => perdure
            .UseSqlite("shop.db")
            .AddEvent<OrderPlaced>(e => e.OrderId, topic: "order")
            .AddEvent<PaymentReceived>(e => e.OrderId, topic: "payment")
            .Subscribe<PaymentReceived, Cashier>("cashier")
            .UseRabbitMq(rabbit =>
            {
                rabbit.Uri = new Uri("amqp://shop:secret@localhost");
                rabbit.Out("order", exchange: "orders");                                            // all events of the topic
                rabbit.In("shop-payments", queue => queue.Bind("payments", "payment-received"));    // a queue's messages, by their types
            }));
        services.AddHealthChecks().AddCheck<RabbitMqHealthCheck>("rabbitmq");
        // end
        await using ServiceProvider provider = services.BuildServiceProvider();

        HealthReport report = await provider.GetRequiredService<HealthCheckService>().CheckHealthAsync();

        report.Entries["rabbitmq"].Status.ShouldBe(HealthStatus.Degraded);
        report.Entries["rabbitmq"].Description!.ShouldContain("bridge rabbitmq-order: it has not connected yet");
    }

    [Theory]
    [InlineData(typeof(RabbitMqOptions))]
    [InlineData(typeof(RabbitMqOut))]
    [InlineData(typeof(RabbitMqIn))]
    public void Every_option_has_a_row(Type options)
    {
        string text = File.ReadAllText(Path.Combine(SourceTree.Root, Guide));
        IEnumerable<string> names = options.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly).Where(p => p.Name != nameof(RabbitMqOut.Exchange)).Select(p => p.Name);

        names.Where(name => !text.Contains($"\n| `{name}`", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    public void Every_log_event_has_a_row_with_its_level()
    {
        string text = File.ReadAllText(Path.Combine(SourceTree.Root, Guide));
        IEnumerable<string> rows = typeof(BridgeLog).GetMethods().Select(method => method.GetCustomAttribute<LoggerMessageAttribute>()).OfType<LoggerMessageAttribute>().Select(m => $"\n| {m.EventId} | {m.Level} |");

        rows.ShouldNotBeEmpty();
        rows.Where(row => !text.Contains(row, StringComparison.Ordinal)).ShouldBeEmpty();
    }
}
