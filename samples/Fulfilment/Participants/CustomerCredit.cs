namespace Fulfilment.Participants;

/// <summary>What customers have to their credit. It is used up before a card is charged.</summary>
public sealed class CustomerCredit(Books books)
{
    private const string Used = "credit";

    private static decimal Opening(string customer) => customer switch
    {
        "bob" => 20,
        "carol" => 1_000,
        _ => 0,
    };

    /// <summary>Uses as much of it as there is, up to an amount.</summary>
    public decimal Use(string request, string orderId, string customer, decimal amount)
        => books.Payment.Do(Used, request, orderId, customer, used => Math.Min(amount, Opening(customer) - Sum(used))).Amount;

    public void Restore(string request) => books.Payment.TakeBack(Used, request);

    public decimal Balance(string customer) => Opening(customer) - Sum([.. books.Payment.Lines().Where(line => (line.Kind, line.Note) == (Used, customer))]);

    private static decimal Sum(IReadOnlyList<Line> used) => used.Where(line => line.IsDone).Sum(line => line.Amount);
}
