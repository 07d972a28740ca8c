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
          is_last  INTEGER NOT NULL,                   -- whether all others had come before
          PRIMARY KEY (order_id, event)) WITHOUT ROWID;
        """;

    /// <summary>Notes an event; the same again changes nothing.</summary>
    /// <param name="db">The service's file.</param>
    /// <param name="orderId">The order.</param>
    /// <param name="event">The event's name.</param>
    /// <param name="order">The order itself, with the one event that brings it.</param>
    /// <param name="of">How many there are in all.</param>
    /// <returns>The order, to the event that came last, and to it again when it comes again: so one of them goes on with it, after a crash, too.</returns>
    public static Order? Arrive(SqliteConnection db, string orderId, string @event, Order? order, int of)
    {
        db.Execute("INSERT INTO arrived SELECT $1, $2, $3, count(*) = $4 FROM arrived WHERE order_id = $1 ON CONFLICT DO NOTHING",
            orderId, @event, order is null ? null : JsonSerializer.Serialize(order), of - 1);
        return db.Scalar<bool>("SELECT is_last FROM arrived WHERE order_id = $1 AND event = $2", orderId, @event)
            ? JsonSerializer.Deserialize<Order>(db.Scalar<string>("SELECT body FROM arrived WHERE order_id = $1 AND body IS NOT NULL", orderId)!)
            : null;
    }
}
