using Microsoft.Data.Sqlite;

namespace Orders.Services;

/// <summary>Knows who may order, and for how much. It only answers: there is nothing to undo.</summary>
public sealed class ConsumerService : IDisposable
{
    private readonly ServiceFile _file;
    private readonly INetwork _network;

    public ConsumerService(DataFolder folder, INetwork network)
    {
        _network = network;
        _file = new(folder.File("consumer-service"), """
            CREATE TABLE IF NOT EXISTS consumer (
              name        TEXT PRIMARY KEY,
              order_limit TEXT NOT NULL,
              blocked     INTEGER NOT NULL) WITHOUT ROWID
            """);
        _file.Seed(db =>
        {
            foreach (Consumer consumer in Town.Consumers)
            {
                db.Execute("INSERT OR IGNORE INTO consumer VALUES ($1, $2, $3)", consumer.Name, consumer.Limit, consumer.Blocked);
            }
        });
    }

    /// <exception cref="ConsumerRefusedException">The consumer is unknown or blocked, or the order is over the limit.</exception>
    public Task ValidateAsync(Order order, CancellationToken cancellationToken = default)
        => _network.CallAsync(new Call("Consumer", "Validate", order.Id), async () =>
        {
            string? refusal = await _file.ExecuteAsync("Validate", order.Id, db => Refusal(db, order));
            return refusal is null ? true : throw new ConsumerRefusedException(refusal);
        }, cancellationToken);

    public void Dispose() => _file.Dispose();

    private static string? Refusal(SqliteConnection db, Order order)
        => db.Query("SELECT order_limit, blocked FROM consumer WHERE name = $1",
            row => (Limit: row.GetDecimal(0), Blocked: row.GetBoolean(1)), order.Consumer) switch
        {
            [] => "consumer unknown",
            [{ Blocked: true }] => "consumer blocked",
            [{ Limit: var limit }] when order.Total > limit => "over the consumer's limit",
            _ => null,
        };
}

public sealed class ConsumerRefusedException(string reason) : Exception(reason);
