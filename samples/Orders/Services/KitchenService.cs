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
              state         TEXT NOT NULL) WITHOUT ROWID;
            """ + Join.Schema);
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

    /// <summary>Notes an event of a choreography in which Kitchen waits for Consumer.</summary>
    /// <returns>The order, to the later of the two events: it has come, and its consumer is verified.</returns>
    public Task<Order?> JoinAsync(string orderId, string @event, Order? order, CancellationToken cancellationToken = default)
        => _network.CallAsync(new Call("Kitchen", "Join", orderId), () => _file.RunAsync(db => Join.Arrive(db, orderId, @event, order, of: 2)), cancellationToken);

    /// <summary>Confirms the ticket because of an event, unless it was withdrawn.</summary>
    public Task TryConfirmTicketAsync(string orderId, string on, CancellationToken cancellationToken = default)
        => OnAsync("ConfirmCreateTicket", orderId, on, db => db.Execute("UPDATE ticket SET state = $1 WHERE order_id = $2 AND state = $3",
            TicketState.AwaitingAcceptance, orderId, TicketState.CreatePending) == 0 ? "it was withdrawn" : null, cancellationToken);

    /// <summary>Takes the ticket back because of an event. One that has not come leaves a tombstone, which refuses it should it come late.</summary>
    /// <remarks>Where Order gave up while the card was being charged, Kitchen may have heard of the charge first: such a ticket is withdrawn, too, if nobody has accepted it.</remarks>
    public Task WithdrawTicketAsync(string orderId, string on, CancellationToken cancellationToken = default)
        => OnAsync("CancelCreateTicket", orderId, on, db => db.Execute(
            "INSERT INTO ticket (order_id, state) VALUES ($1, $2) ON CONFLICT DO UPDATE SET state = $2 WHERE state IN ($3, $4)",
            orderId, TicketState.CreateRejected, TicketState.CreatePending, TicketState.AwaitingAcceptance) == 0 ? "it was withdrawn already" : null, cancellationToken);

    /// <exception cref="TooEarlyException">The ticket is still to be confirmed: in a choreography Order may have been faster. Ask again.</exception>
    public Task CancelTicketAsync(string orderId, CancellationToken cancellationToken = default) => CommandAsync("CancelTicket", orderId, db =>
    {
        if (db.Scalar<string>("SELECT state FROM ticket WHERE order_id = $1", orderId) == TicketState.CreatePending)
        {
            throw new TooEarlyException($"ticket {orderId} is {TicketState.CreatePending}: it can be cancelled once it is confirmed");
        }

        Move.State(db, "ticket", orderId, TicketState.AwaitingAcceptance, TicketState.Cancelled);
        return null;
    }, cancellationToken);

    public void Dispose() => _file.Dispose();

    private static string? Refusal(SqliteConnection db, Order order)
        => db.Query("SELECT closed FROM restaurant WHERE id = $1", row => row.GetBoolean(0), order.Restaurant) switch
        {
            [] => "restaurant unknown",
            [true] => "restaurant closed",
            _ => order.Items.All(item => db.Scalar<string>("SELECT name FROM dish WHERE restaurant_id = $1 AND name = $2",
                order.Restaurant, item.Item) is not null) ? null : "item not on the menu",
        };

    private Task OnAsync(string name, string orderId, string on, Func<SqliteConnection, string?> work, CancellationToken cancellationToken)
        => _network.CallAsync(new Call("Kitchen", name, orderId), () => _file.ExecuteAsync($"{name} on {on}", orderId, work), cancellationToken);

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

/// <summary>What it takes has not come yet, but will.</summary>
public sealed class TooEarlyException(string message) : Exception(message);
