using System.Text.Json.Serialization;

namespace Orders;

/// <summary>An order, as orders.jsonl and POST /orders have it.</summary>
/// <param name="Id">Chosen by whoever orders; the same id again is the same order.</param>
/// <param name="Consumer">Who orders and pays.</param>
/// <param name="Card">The token of the card to charge.</param>
/// <param name="Restaurant">Who cooks.</param>
/// <param name="DeliverTo">The address.</param>
/// <param name="Items">What is wanted; at least one.</param>
public sealed record Order(string Id, string Consumer, string Card, string Restaurant, string DeliverTo, IReadOnlyList<LineItem> Items)
{
    [JsonIgnore]
    public decimal Total => Items.Sum(item => item.Quantity * item.Price);

    /// <summary>What makes this no order at all; null if it is one. Whether it can be served is for the services to say.</summary>
    public string? Problem() => this switch
    {
        { Id: "" or { Length: > 100 } } => "an order needs an id of 1 to 100 characters",
        _ when Id.Any(char.IsControl) => "an order's id has no control characters",
        { Items.Count: 0 } => "an order needs at least one item",
        _ => Items.FirstOrDefault(item => item.Quantity < 1 || item.Price < 0) is { } bad
            ? $"{bad.Quantity} x {bad.Item} at {bad.Price} cannot be ordered"
            : null,
    };
}

public sealed record LineItem(string Item, int Quantity, decimal Price);

/// <summary>How an order ended: the result of <see cref="CreateOrder"/>.</summary>
/// <param name="Reason">Why it was rejected; null if it was approved.</param>
public sealed record OrderOutcome(string OrderId, string State, string? Reason = null);
