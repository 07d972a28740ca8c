using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace Orders.Services;

/// <summary>Several events of one order that a service needs together: each is kept until the others have come, in whatever order they do.</summary>
internal static class Join
{
    public const string Schema = """
        CREATE TABLE IF NOT EXISTS arrived (
          order_id TEXT NOT NULL,
          event    TEXT NOT NULL,
          body     TEXT,                               -- the order, with the event that brings it
          PRIMARY KEY (order_id, event)) WITHOUT ROWID;
        """;

    /// <summary>Notes an event; the same again changes nothing.</summary>
    /// <param name="db">The service's file.</param>
    /// <param name="orderId">The order.</param>
    /// <param name="event">The event's name.</param>
    /// <param name="order">The order itself, with the one event that brings it.</param>
    /// <param name="of">How many there are in all.</param>
    /// <returns>The order, if all have come.</returns>
    public static Order? Arrive(SqliteConnection db, string orderId, string @event, Order? order, int of)
    {
        db.Execute("INSERT INTO arrived VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", orderId, @event, order is null ? null : JsonSerializer.Serialize(order));
        return db.Scalar<long>("SELECT count(*) FROM arrived WHERE order_id = $1", orderId) == of
            ? JsonSerializer.Deserialize<Order>(db.Scalar<string>("SELECT body FROM arrived WHERE order_id = $1 AND body IS NOT NULL", orderId)!)
            : null;
    }
}
