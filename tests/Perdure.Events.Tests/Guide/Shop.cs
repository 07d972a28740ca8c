using Microsoft.Extensions.DependencyInjection;
using Perdure.Shared;
using Perdure.Testing;

namespace Perdure.Events.Tests.Guide;

public sealed class Bank
{
    public List<string> Charged { get; } = [];

    public Task ChargeAsync(string order, int amount, string key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Charged.Add($"{order} {amount} {key}");
        return Task.CompletedTask;
    }
}

public sealed record OrderCancelled(string OrderId, string Reason);

// docs: event
public sealed record OrderPlaced(string OrderId, int Amount);

public sealed record PaymentReceived(string OrderId);

public sealed class Cashier(Bank bank) : IHandler<OrderPlaced>
{
    public async Task HandleAsync(OrderPlaced order, JobContext context)
    {
        await bank.ChargeAsync(order.OrderId, order.Amount, context.IdempotencyKey, context);
        context.Publish(new PaymentReceived(order.OrderId));                            // once, together with the job's end
    }
}
// end

// docs: flow
public sealed class FulfilOrder : IFlow<OrderPlaced, string>
{
    public async Task<string> RunAsync(OrderPlaced order, FlowContext flow)
    {
        Maybe<PaymentReceived> payment = await flow.TryEvent<PaymentReceived>(order.OrderId, limit: TimeSpan.FromDays(20));
        if (!payment.HasValue)
        {
            flow.Publish(new OrderCancelled(order.OrderId, "not paid"));
            return "cancelled";
        }

        return "paid";
    }
}
// end

/// <summary>The code of docs/guides/events.md.</summary>
public sealed class GuideTests
{
    [Fact]
    public void The_guide_shows_the_code_of_these_tests_and_all_of_it()
        => GuideCode.Differences("docs/guides/events.md", "tests/Perdure.Events.Tests/Guide/Shop.cs").ShouldBeEmpty();

    [Fact]
    public async Task Its_code_does_what_it_says()
    {
        var bank = new Bank();
        await using FlowTest test = await FlowTest.StartAsync(services => Register(services.AddSingleton(bank)));
        PerdureClient perdure = test.Perdure;

        // docs: publish
        PublishedEvent placed = await perdure.PublishAsync(new OrderPlaced("1042", 30));        // durable when the task completes
        await perdure.PublishAsync(new OrderPlaced("1043", 12), new PublishOptions { Id = "web-1043" });   // may be sent again: it comes once
        await perdure.PublishManyAsync([new OrderPlaced("1044", 7), new OrderPlaced("1045", 9)]);   // all or none
        // end
        await test.IdleAsync();
        (await perdure.Flow<FulfilOrder>().Get("1042").ResultAsync()).ShouldBe("paid");
        bank.Charged.Count.ShouldBe(4);

        // docs: correlation
        await foreach (EventInfo e in perdure.ListAsync(new EventFilter { Correlation = placed.Id }))
        {
            Console.WriteLine($"{e.PublishedAt:T} {e.Type} {e.Key}, caused by {e.Cause ?? "a caller"}: {e.Data}");
        }
        // end
        (await perdure.ListAsync(new EventFilter { Correlation = placed.Id }).ToListAsync()).Select(e => e.Type).ShouldBe(["payment-received", "order-placed"]);

        // docs: subscription
        SubscriptionHandle cashier = perdure.Subscription("cashier");
        SubscriptionInfo info = await cashier.DescribeAsync();                                  // how far it has come, and its lag
        await cashier.RewindAsync(SubscriptionStart.Beginning);                                 // it hears of all that is kept again
        await perdure.Queue("cashier").PauseAsync();                                            // it is a queue, too
        // end
        info.Lag.ShouldBe(0);

        // docs: cloud-event
        PublishedEvent came = await perdure.PublishCloudEventAsync(
            """{"specversion":"1.0","id":"p-7","source":"https://bank.example","type":"payment-received","data":{"orderId":"1042"}}"""u8.ToArray());
        // end
        came.Topic.ShouldBe("payment");
    }

    private static void Register(IServiceCollection services)
    {
        // docs: register
        services.AddPerdure(perdure => perdure
            .UseSqlite("shop.db")
            .AddEvent<OrderPlaced>(e => e.OrderId, topic: "order")                              // what it is about, and its log
            .AddEvent<PaymentReceived>(e => e.OrderId, topic: "payment", e => e.Hold = TimeSpan.FromHours(1))
            .AddEvent<OrderCancelled>(e => e.OrderId, topic: "order")
            .AddTopic("order", topic => topic.Retention = TimeSpan.FromDays(30))
            .Subscribe<OrderPlaced, Cashier>("cashier")
            .AddQueue("cashier", queue =>
            {
                queue.InOrder = true;                                                           // per order id
                queue.Retry = Retry.Exponential(attempts: 10);
            })
            .AddFlow<FulfilOrder>()
            .StartOn<OrderPlaced, FulfilOrder>());                                              // once per order id
        // end
    }
}
