using System.Text.Json;
using Fulfilment.Choreography;
using Perdure;

namespace Fulfilment;

/// <summary>Who says what to whom: each message once. From it follow the topics, what is kept for flows, and the bridges where services are processes of their own.</summary>
internal sealed class Addresses(PerdureBuilder perdure, FulfilmentOptions options)
{
    /// <summary>How long a message waits for the flow that is to have it; it may have to start first, or come back from a crash.</summary>
    private static readonly TimeSpan Hold = TimeSpan.FromDays(30);

    private readonly List<(Services From, Services To, string Type)> _routes = [];

    public static void Register(PerdureBuilder perdure, FulfilmentOptions options)
    {
        var addresses = new Addresses(perdure, options);
        addresses.Add<NewCardWantedEvent>(Services.Payment, Services.Checkout);
        addresses.Add<CreditCardUpdatedEvent>(Services.Checkout, Services.Payment, isAwaited: true);
        addresses.Notice<CustomerCreditUsedEvent>();
        addresses.Notice<CreditCardChargedEvent>();
        switch (options.Style)
        {
            case Style.Choreographed:
                addresses.AddChoreography();
                break;
            case Style.Orchestrated:
                addresses.AddOrder();
                addresses.AddCommands();
                break;
            case Style.Queues:
                addresses.AddOrder();   // the rest are jobs
                break;
        }

        addresses.Bridge();
    }

    private void AddOrder()
    {
        Add<OrderPlacedEvent>(Services.Checkout, Services.Order);
        Add<OrderCompletedEvent>(Services.Order, Services.Checkout);
        Add<OrderCancelledEvent>(Services.Order, Services.Checkout);
    }

    private void AddCommands()
    {
        Add<RetrievePaymentCommand>(Services.Order, Services.Payment);
        Add<CancelPaymentCommand>(Services.Order, Services.Payment);
        Add<RefundPaymentCommand>(Services.Order, Services.Payment);
        Add<PaymentReceivedEvent>(Services.Payment, Services.Order, isAwaited: true);
        Add<PaymentFailedEvent>(Services.Payment, Services.Order, isAwaited: true);
        Add<PaymentCancelledEvent>(Services.Payment, Services.Order, isAwaited: true);
        Add<FetchGoodsCommand>(Services.Order, Services.Inventory);
        Add<PutBackGoodsCommand>(Services.Order, Services.Inventory);
        Add<GoodsFetchedEvent>(Services.Inventory, Services.Order, isAwaited: true);
        Add<GoodsNotFetchedEvent>(Services.Inventory, Services.Order, isAwaited: true);
        Add<ShipGoodsCommand>(Services.Order, Services.Shipment);
        Add<RecallShipmentCommand>(Services.Order, Services.Shipment);
        Add<GoodsShippedEvent>(Services.Shipment, Services.Order, isAwaited: true);
        Add<GoodsNotShippedEvent>(Services.Shipment, Services.Order, isAwaited: true);
    }

    /// <summary>To whom it may concern. The tracking flow, which is nobody's, runs with the checkout.</summary>
    private void AddChoreography()
    {
        Add<OrderPlaced>(Services.Checkout, Services.Payment);
        Add<PaymentReceived>(Services.Payment, Services.Inventory | Services.Checkout, isAwaited: true);
        Add<PaymentFailed>(Services.Payment, Services.Checkout, isAwaited: true);
        Add<GoodsFetched>(Services.Inventory, Services.Shipment | Services.Checkout, isAwaited: true);
        Add<GoodsNotFetched>(Services.Inventory, Services.Payment | Services.Checkout, isAwaited: true);
        Add<GoodsShipped>(Services.Shipment, Services.Checkout, isAwaited: true);
        Add<GoodsNotShipped>(Services.Shipment, Services.Payment | Services.Inventory | Services.Checkout, isAwaited: true);
        Add<OrderCompleted>(Services.Shipment, Services.Checkout, isAwaited: true);
    }

    private void Add<TMessage>(Services from, Services to, bool isAwaited = false)
        where TMessage : IMessage
    {
        bool comesHere = (to & options.Here) != Services.None;
        if (!comesHere && !options.Here.HasFlag(from))
        {
            return;
        }

        _routes.Add((from, to, JsonNamingPolicy.KebabCaseLower.ConvertName(typeof(TMessage).Name)));
        perdure.AddEvent<TMessage>(message => message.Key, TopicOf(from), e => e.Hold = isAwaited && comesHere ? Hold : null);
        if (comesHere && options.Heard is { } heard)
        {
            perdure.Subscribe<TMessage>("heard", (message, _) =>
            {
                heard(to & options.Here, message);
                return Task.CompletedTask;
            });
        }
    }

    /// <summary>What Payment tells whoever wants to know; so far nobody does.</summary>
    private void Notice<TMessage>()
        where TMessage : IMessage
    {
        if (options.Here.HasFlag(Services.Payment))
        {
            perdure.AddEvent<TMessage>(message => message.Key, "notices");
        }
    }

    private void Bridge()
    {
        if (options.Amqp is null)
        {
            return;
        }

        Hearing[] hearings =
        [
            .. from route in _routes
               where options.Here.HasFlag(route.From)
               from to in Enum.GetValues<Services>()
               where to is not (Services.None or Services.All) && route.To.HasFlag(to)
               select new Hearing(TopicOf(route.From), route.Type, TopicOf(to)),
        ];
        perdure.Services.AddHostedService(services => new ReceiversFirst(options.Amqp, hearings, services.GetRequiredService<ILogger<ReceiversFirst>>()));
        perdure.UseRabbitMq(rabbit =>
        {
            rabbit.Uri = options.Amqp;
            foreach (Services from in _routes.Where(route => options.Here.HasFlag(route.From)).Select(route => route.From).Distinct())
            {
                rabbit.Out(TopicOf(from), exchange: TopicOf(from));
            }

            rabbit.In(TopicOf(options.Here), queue =>
            {
                foreach ((Services from, _, string type) in _routes.Where(route => (route.To & options.Here) != Services.None))
                {
                    queue.Bind(TopicOf(from), type);
                }
            });
        });
    }

    private static string TopicOf(Services services) => services.ToString().ToLowerInvariant();
}
