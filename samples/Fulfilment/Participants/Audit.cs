namespace Fulfilment.Participants;

/// <summary>Lays the services' books side by side, as an auditor would, who knows nothing of flows and messages.</summary>
public sealed class Audit(Books books)
{
    public IReadOnlyList<OrderFacts> Orders()
    {
        List<Line> checkout = books.Checkout.Lines();
        ILookup<string?, Line> money = books.Payment.Lines().ToLookup(line => line.OrderId);
        ILookup<string?, Line> goods = books.Inventory.Lines().ToLookup(line => line.OrderId);
        ILookup<string?, Line> parcels = books.Shipment.Lines().ToLookup(line => line.OrderId);
        return
        [
            .. checkout.Where(line => line.Kind == "placed").Select(placed => new OrderFacts(
                placed.Key, placed.Amount, placed.Note == "invoice",
                End(placed.Key),
                money[placed.Key].Count(line => line.Kind == CardProvider.Charges),
                money[placed.Key].Where(line => line.IsDone).Sum(line => line.Amount),
                goods[placed.Key].Count(line => line.IsDone),
                parcels[placed.Key].Count(line => line.IsDone))).OrderBy(facts => facts.Id, StringComparer.Ordinal),
        ];

        string? End(string order)
            => checkout.Where(line => line.Key == order && line.Kind is ("completed" or "cancelled")).Select(line => line.Kind).ToArray() is { Length: > 0 } ends ? string.Join(" and ", ends) : null;
    }

    /// <summary>What was done for orders that nobody placed.</summary>
    public int Strays()
    {
        HashSet<string?> placed = [.. books.Checkout.Lines().Where(line => line.Kind == "placed").Select(line => line.Key)];
        return new[] { books.Payment, books.Inventory, books.Shipment }.SelectMany(book => book.Lines()).Count(line => line.OrderId is not null && !placed.Contains(line.OrderId));
    }
}

/// <summary>What the books say of one order.</summary>
/// <param name="End">completed or cancelled; null while it is neither.</param>
/// <param name="Charges">How often a card was charged, refunded or not.</param>
/// <param name="Paid">Charges and credit that were not given back.</param>
/// <param name="Picks">How many times goods were fetched and not put back.</param>
/// <param name="Parcels">How many parcels were shipped and not recalled.</param>
public sealed record OrderFacts(string Id, decimal Total, bool PaysByInvoice, string? End, int Charges, decimal Paid, int Picks, int Parcels)
{
    /// <summary>Whether it was cancelled, and not all that was done for it has been undone.</summary>
    public bool IsBeingUndone => End == "cancelled" && (Picks, Parcels, Paid) != (0, 0, 0m);

    /// <summary>What is wrong now that everything has ended; null if nothing is.</summary>
    public string? Violation() => this switch
    {
        { Charges: > 1 } => $"{Id} was charged {Charges} times",
        { End: "completed", Picks: 1, Parcels: 1 } when Paid == (PaysByInvoice ? 0 : Total) => null,
        { End: "cancelled", Picks: 0, Parcels: 0, Paid: 0 } => null,
        _ => $"{Id} is {End ?? "open"}: {Paid} of {(PaysByInvoice ? 0 : Total)} paid, {Picks} picks, {Parcels} parcels",
    };
}
