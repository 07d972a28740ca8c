using Perdure;

namespace Fulfilment;

/// <summary>What a customer wants. Each line is an article, how many of it, and the price of one.</summary>
public sealed record Order(string Id, string Customer, string Card, Item[] Items, Recipient Recipient)
{
    /// <summary>Whether the customer pays later, by invoice, so that nobody waits for a payment.</summary>
    public bool PaysByInvoice { get; init; }
}

public sealed record Item(string Article, int Quantity, decimal Price);

public sealed record Recipient(string Name, string Address);

/// <summary>Goes from one service to another: a command says what one of them is to do, an event what was done.</summary>
/// <remarks>Each is a CloudEvent. Its type is the record's name in kebab-case, its subject the key.</remarks>
public interface IMessage
{
    /// <summary>What it is about. Of a command and its replies: the request, an id that the command alone has.</summary>
    string Key { get; }

    /// <summary>The order that it is all for.</summary>
    string RefId { get; }
}

/// <summary>A command. On the way back comes a reply under the same request id.</summary>
public interface ICommand : IMessage, IJob;

/// <summary>A command that its service answers with a yes or a no. Where queues are the bus, the yes is the job's result and the no its rejection.</summary>
public interface ICommand<TYes, TNo> : ICommand, IJob<TYes>
    where TYes : IReply
    where TNo : INo;

/// <summary>The answer to a command.</summary>
public interface IReply : IMessage
{
    string RequestId { get; }

    string IMessage.Key => RequestId;
}

/// <summary>The answer to a command that the service will not do.</summary>
public interface INo : IReply
{
    string Reason { get; }
}

// Checkout and Order

public sealed record OrderPlacedEvent(Order Order) : IMessage
{
    string IMessage.Key => Order.Id;

    string IMessage.RefId => Order.Id;
}

public sealed record OrderCompletedEvent(string OrderId, string ShipmentId) : IMessage
{
    string IMessage.Key => OrderId;

    string IMessage.RefId => OrderId;
}

public sealed record OrderCancelledEvent(string OrderId, string Reason) : IMessage
{
    string IMessage.Key => OrderId;

    string IMessage.RefId => OrderId;
}

// Payment

public sealed record RetrievePaymentCommand(string RequestId, string RefId, string Reason, decimal Amount, string Customer, string Card) : ICommand<PaymentReceivedEvent, PaymentFailedEvent>
{
    string IMessage.Key => RequestId;
}

public sealed record PaymentReceivedEvent(string RequestId, string RefId) : IReply;

public sealed record PaymentFailedEvent(string RequestId, string RefId, string Reason) : INo;

/// <summary>Nobody waits for this payment any more.</summary>
public sealed record CancelPaymentCommand(string RequestId, string RefId) : ICommand
{
    string IMessage.Key => RequestId;
}

public sealed record PaymentCancelledEvent(string RequestId, string RefId) : IReply;

/// <summary>Undoes the payment of this request.</summary>
public sealed record RefundPaymentCommand(string RequestId, string RefId) : ICommand
{
    string IMessage.Key => RequestId;
}

public sealed record CustomerCreditUsedEvent(string RefId, decimal Amount) : IMessage
{
    string IMessage.Key => RefId;
}

public sealed record CreditCardChargedEvent(string RefId, decimal Amount) : IMessage
{
    string IMessage.Key => RefId;
}

/// <summary>A card cannot be charged: the customer is to be asked for another one.</summary>
public sealed record NewCardWantedEvent(string TraceId, string RefId, string Customer, string Card) : IMessage
{
    string IMessage.Key => TraceId;
}

/// <summary>The customer has another card, for whatever waits for one in this business transaction: their traceid is its correlation id.</summary>
public sealed record CreditCardUpdatedEvent(string TraceId, string RefId, string Card) : IMessage
{
    string IMessage.Key => TraceId;
}

// Inventory

public sealed record FetchGoodsCommand(string RequestId, string RefId, string Reason, Item[] Items) : ICommand<GoodsFetchedEvent, GoodsNotFetchedEvent>
{
    string IMessage.Key => RequestId;
}

public sealed record GoodsFetchedEvent(string RequestId, string RefId, string PickId) : IReply;

public sealed record GoodsNotFetchedEvent(string RequestId, string RefId, string Reason) : INo;

/// <summary>Undoes the pick of this request.</summary>
public sealed record PutBackGoodsCommand(string RequestId, string RefId) : ICommand
{
    string IMessage.Key => RequestId;
}

// Shipment

public sealed record ShipGoodsCommand(string RequestId, string RefId, string PickId, string LogisticsProvider, string RecipientName, string RecipientAddress) : ICommand<GoodsShippedEvent, GoodsNotShippedEvent>
{
    string IMessage.Key => RequestId;
}

public sealed record GoodsShippedEvent(string RequestId, string RefId, string ShipmentId) : IReply;

public sealed record GoodsNotShippedEvent(string RequestId, string RefId, string Reason) : INo;

/// <summary>Undoes the shipment of this request.</summary>
public sealed record RecallShipmentCommand(string RequestId, string RefId) : ICommand
{
    string IMessage.Key => RequestId;
}
