namespace Fulfilment.Choreography;

/// <summary>What the services say where nobody is in the middle. The whole order travels along, for whoever may need something of it.</summary>
public interface IOrderEvent : IMessage
{
    Order Order { get; }

    string IMessage.Key => Order.Id;

    string IMessage.RefId => Order.Id;
}

public sealed record OrderPlaced(Order Order) : IOrderEvent;

public sealed record PaymentReceived(Order Order) : IOrderEvent;

public sealed record PaymentFailed(Order Order, string Reason) : IOrderEvent;

public sealed record GoodsFetched(Order Order, string PickId) : IOrderEvent;

public sealed record GoodsNotFetched(Order Order, string Reason) : IOrderEvent;

public sealed record GoodsShipped(Order Order, string ShipmentId) : IOrderEvent;

public sealed record GoodsNotShipped(Order Order, string Reason) : IOrderEvent;

public sealed record OrderCompleted(Order Order) : IOrderEvent;
