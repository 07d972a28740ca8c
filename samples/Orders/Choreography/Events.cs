using System.Text.Json.Serialization;

namespace Orders.Choreography;

/// <summary>What the services tell each other. Each event is about one order; its id and its time come with it from the log.</summary>
public interface IOrderEvent
{
    string OrderId { get; }
}

/// <summary>Order: the order is stored, and APPROVAL_PENDING. It goes along whole, for the others share nothing with Order but events.</summary>
public sealed record OrderCreated(Order Order) : IOrderEvent
{
    [JsonIgnore]
    public string OrderId => Order.Id;
}

/// <summary>Order: within its time nobody said yes or no, so the order is rejected.</summary>
public sealed record OrderTimedOut(string OrderId, string Reason) : IOrderEvent;

/// <summary>Order: the end of an order that was paid.</summary>
public sealed record OrderApproved(string OrderId) : IOrderEvent;

/// <summary>Order: the end of an order that somebody refused, or that took too long.</summary>
public sealed record OrderRejected(string OrderId, string Reason) : IOrderEvent;

/// <summary>Consumer: this consumer may order for that sum.</summary>
public sealed record ConsumerVerified(string OrderId, string Consumer) : IOrderEvent;

/// <summary>Consumer: the consumer is unknown or blocked, or the sum is over the limit.</summary>
public sealed record ConsumerVerificationFailed(string OrderId, string Reason) : IOrderEvent;

/// <summary>Kitchen: there is a ticket, and it is CREATE_PENDING. Tickets go by their orders' ids.</summary>
public sealed record TicketCreated(string OrderId, string TicketId) : IOrderEvent;

/// <summary>Kitchen: the restaurant is unknown or closed, does not have an item, or the ticket was no longer wanted.</summary>
public sealed record TicketCreationFailed(string OrderId, string Reason) : IOrderEvent;

/// <summary>Accounting: the card is charged. From here on the order will be approved, unless it timed out before.</summary>
public sealed record CreditCardAuthorized(string OrderId, string AuthorizationId, decimal Amount) : IOrderEvent;

/// <summary>Accounting: the card is unknown or declined, or its account is disabled.</summary>
public sealed record CreditCardAuthorizationFailed(string OrderId, string Reason) : IOrderEvent;
