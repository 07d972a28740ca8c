using Microsoft.Data.Sqlite;

namespace Orders.Services;

/// <summary>The restaurants, and a ticket for each order that one of them is to cook.</summary>
public sealed class KitchenService : IDisposable
{
    private readonly ServiceFile _file;
    private readonly INetwork _network;

    public KitchenService(DataFolder folder, INetwork network)
    {
        _network = network;
        _file = new(folder.File("kitchen-service"), """
            CREATE TABLE IF NOT EXISTS restaurant (id TEXT PRIMARY KEY, name TEXT NOT NULL, closed INTEGER NOT NULL) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS dish (restaurant_id TEXT, name TEXT, PRIMARY KEY (restaurant_id, name)) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS ticket (
              order_id      TEXT PRIMARY KEY,
              restaurant_id TEXT,                      -- null in a tombstone: cancelled before it came
              state         TEXT NOT NULL) WITHOUT ROWID
            """);
        _file.Seed(db =>
        {
            foreach (Restaurant restaurant in Town.Restaurants)
            {
                db.Execute("INSERT OR IGNORE INTO restaurant VALUES ($1, $2, $3)", restaurant.Id, restaurant.Name, restaurant.Closed);
                foreach (string dish in restaurant.Menu)
                {
                    db.Execute("INSERT OR IGNORE INTO dish VALUES ($1, $2)", restaurant.Id, dish);
                }
            }
        });
    }

    /// <exception cref="TicketRefusedException">The restaurant is unknown or closed, or does not have an item.</exception>
    public Task CreateTicketAsync(Order order, CancellationToken cancellationToken = default) => CommandAsync("CreateTicket", order.Id, db =>
    {
        if (Refusal(db, order) is { } refusal)
        {
            return refusal;
        }

        return db.Execute("INSERT INTO ticket VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", order.Id, order.Restaurant, TicketState.CreatePending) == 0
            ? "cancelled before it came" : null;
    }, cancellationToken);

    public Task ConfirmCreateTicketAsync(string orderId, CancellationToken cancellationToken = default)
        => MoveAsync("ConfirmCreateTicket", orderId, TicketState.CreatePending, TicketState.AwaitingAcceptance, cancellationToken);

    /// <summary>Takes the ticket back. One that has not come leaves a tombstone, which refuses it should it come late.</summary>
    public Task CancelCreateTicketAsync(string orderId, CancellationToken cancellationToken = default) => CommandAsync("CancelCreateTicket", orderId, db =>
    {
        if (db.Execute("INSERT INTO ticket (order_id, state) VALUES ($1, $2) ON CONFLICT DO NOTHING", orderId, TicketState.CreateRejected) == 0)
        {
            Move.State(db, "ticket", orderId, TicketState.CreatePending, TicketState.CreateRejected);
        }

        return null;
    }, cancellationToken);

    public Task CancelTicketAsync(string orderId, CancellationToken cancellationToken = default)
        => MoveAsync("CancelTicket", orderId, TicketState.AwaitingAcceptance, TicketState.Cancelled, cancellationToken);

    public void Dispose() => _file.Dispose();

    private static string? Refusal(SqliteConnection db, Order order)
        => db.Query("SELECT closed FROM restaurant WHERE id = $1", row => row.GetBoolean(0), order.Restaurant) switch
        {
            [] => "restaurant unknown",
            [true] => "restaurant closed",
            _ => order.Items.All(item => db.Scalar<string>("SELECT name FROM dish WHERE restaurant_id = $1 AND name = $2",
                order.Restaurant, item.Item) is not null) ? null : "item not on the menu",
        };

    private Task MoveAsync(string name, string orderId, string from, string to, CancellationToken cancellationToken) => CommandAsync(name, orderId, db =>
    {
        Move.State(db, "ticket", orderId, from, to);
        return null;
    }, cancellationToken);

    private Task CommandAsync(string name, string orderId, Func<SqliteConnection, string?> work, CancellationToken cancellationToken)
        => _network.CallAsync(new Call("Kitchen", name, orderId), async () =>
        {
            string? refusal = await _file.ExecuteAsync(name, orderId, work);
            return refusal is null ? true : throw new TicketRefusedException(refusal);
        }, cancellationToken);
}

public sealed class TicketRefusedException(string reason) : Exception(reason);
