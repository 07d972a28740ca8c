using Microsoft.Data.Sqlite;
using Orders.Services;

namespace Orders;

/// <summary>Reads the four services' files side by side, as an auditor would, and says what does not fit together.</summary>
public sealed class Audit : IDisposable
{
    private readonly SqliteConnection _db = new("Data Source=:memory:");

    public Audit(DataFolder folder)
    {
        _db.Open();
        foreach (string service in (string[])["order", "consumer", "kitchen", "accounting"])
        {
            _db.Execute($"ATTACH $1 AS {service}_service", folder.File($"{service}-service"));
        }
    }

    /// <summary>What each service holds of each order.</summary>
    public IReadOnlyList<OrderFacts> Orders() => _db.Query("""
        SELECT o.order_id, o.state, o.total, t.state, a.state, count(l.id), count(l.id) FILTER (WHERE l.amount LIKE '-%'), coalesce(sum(l.amount), 0)
        FROM order_service.orders o
          LEFT JOIN kitchen_service.ticket t ON t.order_id = o.order_id
          LEFT JOIN accounting_service.authorization a ON a.order_id = o.order_id
          LEFT JOIN accounting_service.ledger l ON l.order_id = o.order_id
        GROUP BY o.order_id
        """,
        row => new OrderFacts(row.GetString(0), row.GetString(1), row.IsDBNull(2) ? 0 : row.GetDecimal(2), Text(row, 3), Text(row, 4),
            Charges: row.GetInt32(5) - row.GetInt32(6), Refunds: row.GetInt32(6), Paid: Math.Round(row.GetDecimal(7), 2)));

    /// <summary>The commands that the services executed for an order, in the order of their execution, however often each was delivered.</summary>
    /// <remarks>Without CreateOrder: the order comes first, and what follows is commanded by a flow, or done on events.</remarks>
    public IReadOnlyList<string> Trace(string orderId) => _db.Query($"""
        SELECT name FROM ({Commands}) WHERE order_id = $1 AND name <> 'CreateOrder' ORDER BY at
        """, row => row.GetString(0), orderId);

    /// <summary>The orders for which each of these commands was executed, on whatever event.</summary>
    public ILookup<string, string> Executed(IEnumerable<string> commands) => commands
        .SelectMany(name => _db.Query($"SELECT DISTINCT order_id FROM ({Commands}) WHERE (name = $1 OR name LIKE $1 || ' on %') AND refusal IS NULL", row => (Name: name, OrderId: row.GetString(0)), name))
        .ToLookup(row => row.Name, row => row.OrderId);

    /// <summary>How many commands came again after they had been executed.</summary>
    public int Repeats() => (int)_db.Scalar<long>($"SELECT sum(deliveries - 1) FROM ({Commands})");

    /// <summary>Charges for orders that nobody knows.</summary>
    public long StrayCharges()
        => _db.Scalar<long>("SELECT count(*) FROM accounting_service.ledger WHERE order_id NOT IN (SELECT order_id FROM order_service.orders)");

    public void Dispose() => _db.Dispose();

    private const string Commands = """
        SELECT * FROM order_service.command UNION ALL SELECT * FROM consumer_service.command
        UNION ALL SELECT * FROM kitchen_service.command UNION ALL SELECT * FROM accounting_service.command
        """;

    private static string? Text(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}

/// <summary>What the services hold of one order.</summary>
/// <param name="Order">The order's state.</param>
/// <param name="Ticket">The ticket's state; null where there is none.</param>
/// <param name="Authorization">The authorization's state; null where there is none.</param>
/// <param name="Paid">Charges less refunds.</param>
public sealed record OrderFacts(string Id, string Order, decimal Total, string? Ticket, string? Authorization, int Charges, int Refunds, decimal Paid)
{
    /// <summary>What is wrong, now that the order has ended; null if nothing is.</summary>
    public string? Violation() => (Order, Ticket, Authorization) switch
    {
        _ when Charges > 1 => $"was charged {Charges} times",
        (OrderState.Approved, TicketState.AwaitingAcceptance, AuthorizationState.Authorized) => PaidShouldBe(Total),
        (OrderState.Rejected, null or TicketState.CreateRejected, null or AuthorizationState.Failed or AuthorizationState.Voided) => PaidShouldBe(0),
        (OrderState.Cancelled, TicketState.Cancelled, AuthorizationState.Voided) => PaidShouldBe(0),
        (OrderState.CancelPending, _, _) => null,   // on its way
        _ => $"is {Order}, its ticket {Ticket ?? "none"}, its authorization {Authorization ?? "none"}",
    };

    private string? PaidShouldBe(decimal due) => Paid == due ? null : $"is {Order}, and {Paid} of {due} was paid";
}
