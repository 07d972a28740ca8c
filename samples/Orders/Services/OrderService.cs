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
          state    TEXT NOT NULL) WITHOUT ROWID
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

    /// <summary>Lets a user cancel an approved order. While it is APPROVAL_PENDING that state is a lock: a flow is at work on it.</summary>
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

    private static string? StateOf(SqliteConnection db, string orderId) => db.Scalar<string>("SELECT state FROM orders WHERE order_id = $1", orderId);

    private Task CommandAsync(string name, string orderId, Action<SqliteConnection> work, CancellationToken cancellationToken)
        => network.CallAsync(new Call("Order", name, orderId), () => _file.ExecuteAsync(name, orderId, db =>
        {
            work(db);
            return null;
        }), cancellationToken);
}

/// <summary>The order cannot be cancelled in its state; the message says which.</summary>
public sealed class CancelRefusedException(string message) : Exception(message);
