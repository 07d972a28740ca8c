using Perdure.Simulation.Events;

namespace Perdure.Simulation.Orders;

/// <summary>What the services say of an order: Create Order, as a choreography.</summary>
internal interface IOrderEvent : IMarked
{
    string Order { get; }
}

/// <summary>A customer wants this.</summary>
internal sealed record PlaceOrder(int N, string Order) : IJob, IMarked;

internal sealed record OrderCreated(int N, string Order) : IOrderEvent;

internal sealed record ConsumerVerified(int N, string Order) : IOrderEvent;

internal sealed record ConsumerVerificationFailed(int N, string Order) : IOrderEvent;

internal sealed record TicketCreated(int N, string Order) : IOrderEvent;

internal sealed record TicketCreationFailed(int N, string Order) : IOrderEvent;

internal sealed record CreditCardAuthorized(int N, string Order) : IOrderEvent;

internal sealed record CreditCardAuthorizationFailed(int N, string Order) : IOrderEvent;

internal sealed record OrderApproved(int N, string Order) : IOrderEvent;

internal sealed record OrderRejected(int N, string Order) : IOrderEvent;

/// <summary>Nobody said yes or no in time.</summary>
internal sealed record OrderLate(int N, string Order) : IOrderEvent;

/// <summary>Order has rejected the order since it was late.</summary>
internal sealed record OrderTimedOut(int N, string Order) : IOrderEvent;
