using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Orders.Services;

/// <summary>The orders themselves: a participant like the others.</summary>
public sealed class OrderService(DataFolder folder, INetwork network) : IDisposable
{
    private readonly ServiceFile _file = new(folder.File("order-service"), """
        CREATE TABLE IF NOT EXISTS orders (
          order_id TEXT PRIMARY KEY,
          consumer TEXT,                               -- null in a tombstone: rejected before it came
          total    TEXT,
          state    TEXT NOT NULL) WITHOUT ROWID;
        -- In a choreography Order keeps what others ask of it: there is no flow that would know.
        CREATE TABLE IF NOT EXISTS placed (
          order_id TEXT PRIMARY KEY,
          body     TEXT NOT NULL,                      -- the order as it came
          at       INTEGER NOT NULL,
          ended_at INTEGER,                            -- null while it is APPROVAL_PENDING
          reason   TEXT) WITHOUT ROWID                 -- why it was rejected
        """);

    public Task CreateOrderAsync(Order order, CancellationToken cancellationToken = default) => CommandAsync("CreateOrder", order.Id, db =>
    {
        if (db.Execute("INSERT INTO orders VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            order.Id, order.Consumer, order.Total, OrderState.ApprovalPending) == 0)
        {
            throw new WrongStateException($"order {order.Id} was rejected before it came");
        }
    }, cancellationToken);

    public Task ApproveOrderAsync(string orderId, CancellationToken cancellationToken = default)
        => CommandAsync("ApproveOrder", orderId, db => Move.State(db, "orders", orderId, OrderState.ApprovalPending, OrderState.Approved), cancellationToken);

    /// <summary>Rejects the order. One that has not come leaves a tombstone, which refuses it should it come late.</summary>
    public Task RejectOrderAsync(string orderId, CancellationToken cancellationToken = default) => CommandAsync("RejectOrder", orderId, db =>
    {
        if (db.Execute("INSERT INTO orders (order_id, state) VALUES ($1, $2) ON CONFLICT DO NOTHING", orderId, OrderState.Rejected) == 0)
        {
            Move.State(db, "orders", orderId, OrderState.ApprovalPending, OrderState.Rejected);
        }
    }, cancellationToken);

    /// <summary>Stores an order that no flow will lead: the first half of the choreography's first step. The other half is to say so.</summary>
    public Task PlaceOrderAsync(Order order, CancellationToken cancellationToken = default) => CommandAsync("CreateOrder", order.Id, db =>
    {
        db.Execute("INSERT INTO orders VALUES ($1, $2, $3, $4)", order.Id, order.Consumer, order.Total, OrderState.ApprovalPending);
        db.Execute("INSERT INTO placed (order_id, body, at) VALUES ($1, $2, $3)", order.Id, JsonSerializer.Serialize(order), DateTime.UtcNow.Ticks);
    }, cancellationToken);

    /// <summary>Approves an order because of an event, unless it has ended before.</summary>
    /// <returns>Whether this event approved it: the same when it comes again.</returns>
    public Task<bool> TryApproveAsync(string orderId, string on, CancellationToken cancellationToken = default)
        => TryEndAsync("ApproveOrder", orderId, on, OrderState.Approved, reason: null, cancellationToken);

    /// <summary>Rejects an order because of an event, unless it has ended before.</summary>
    /// <returns>Whether this event rejected it: the same when it comes again.</returns>
    public Task<bool> TryRejectAsync(string orderId, string on, string reason, CancellationToken cancellationToken = default)
        => TryEndAsync("RejectOrder", orderId, on, OrderState.Rejected, reason, cancellationToken);

    /// <summary>All orders of choreographies.</summary>
    public Task<IReadOnlyList<PlacedOrder>> PlacedAsync() => _file.RunAsync<IReadOnlyList<PlacedOrder>>(db => db.Query(
        "SELECT order_id, state, reason, at, ended_at FROM placed JOIN orders USING (order_id)",
        row => new PlacedOrder(row.GetString(0), row.GetString(1), row.IsDBNull(2) ? null : row.GetString(2), At(row, 3)!.Value, At(row, 4))));

    /// <summary>What an order of a choreography was when it came; null if it never did.</summary>
    public Task<Order?> FindPlacedAsync(string orderId) => _file.RunAsync(db
        => db.Scalar<string>("SELECT body FROM placed WHERE order_id = $1", orderId) is { } body ? JsonSerializer.Deserialize<Order>(body) : null);

    /// <summary>Lets a user cancel an approved order. While it is APPROVAL_PENDING that state is a lock: Create Order is at work on it.</summary>
    /// <exception cref="CancelRefusedException">The order's state does not allow it.</exception>
    /// <remarks>No command of a flow, and no call over the network: the order's own API asks it.</remarks>
    public Task BeginCancelAsync(string orderId) => _file.RunAsync(db => StateOf(db, orderId) switch
    {
        OrderState.Approved => db.Execute("UPDATE orders SET state = $1 WHERE order_id = $2", OrderState.CancelPending, orderId),
        OrderState.CancelPending or OrderState.Cancelled => 0,
        OrderState.ApprovalPending => throw new CancelRefusedException($"order {orderId} is {OrderState.ApprovalPending}: ask again when it is approved"),
        string state => throw new CancelRefusedException($"order {orderId} is {state}: there is nothing to cancel"),
        null => throw new CancelRefusedException($"there is no order {orderId}"),
    });

    public Task ConfirmCancelAsync(string orderId, CancellationToken cancellationToken = default)
        => CommandAsync("ConfirmCancelOrder", orderId, db => Move.State(db, "orders", orderId, OrderState.CancelPending, OrderState.Cancelled), cancellationToken);

    public Task<string?> StateAsync(string orderId) => _file.RunAsync(db => StateOf(db, orderId));

    public void Dispose() => _file.Dispose();

    private static DateTimeOffset? At(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : new DateTimeOffset(row.GetInt64(column), TimeSpan.Zero);

    private static string? StateOf(SqliteConnection db, string orderId) => db.Scalar<string>("SELECT state FROM orders WHERE order_id = $1", orderId);

    private Task<bool> TryEndAsync(string name, string orderId, string on, string state, string? reason, CancellationToken cancellationToken)
        => network.CallAsync(new Call("Order", name, orderId), async () => await _file.ExecuteAsync($"{name} on {on}", orderId, db =>
        {
            if (db.Execute("UPDATE orders SET state = $1 WHERE order_id = $2 AND state = $3", state, orderId, OrderState.ApprovalPending) == 0)
            {
                return $"it is {StateOf(db, orderId)} already";
            }

            db.Execute("UPDATE placed SET ended_at = $1, reason = $2 WHERE order_id = $3", DateTime.UtcNow.Ticks, reason, orderId);
            return null;
        }) is null, cancellationToken);

    private Task CommandAsync(string name, string orderId, Action<SqliteConnection> work, CancellationToken cancellationToken)
        => network.CallAsync(new Call("Order", name, orderId), () => _file.ExecuteAsync(name, orderId, db =>
        {
            work(db);
            return null;
        }), cancellationToken);
}

/// <summary>The order cannot be cancelled in its state; the message says which.</summary>
public sealed class CancelRefusedException(string message) : Exception(message);

/// <summary>Where an order of a choreography stands.</summary>
/// <param name="Reason">Why it was rejected; null if it was not.</param>
/// <param name="EndedAt">When it was approved or rejected; null while it is pending.</param>
public sealed record PlacedOrder(string Id, string State, string? Reason, DateTimeOffset At, DateTimeOffset? EndedAt);
