using Microsoft.Data.Sqlite;

namespace Orders.Services;

/// <summary>The cards, an authorization for each order that is to be paid, and the ledger of all money that moved.</summary>
public sealed class AccountingService : IDisposable
{
    private readonly ServiceFile _file;
    private readonly INetwork _network;

    public AccountingService(DataFolder folder, INetwork network)
    {
        _network = network;
        _file = new(folder.File("accounting-service"), """
            CREATE TABLE IF NOT EXISTS card (token TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS authorization (
              order_id TEXT PRIMARY KEY,
              id       TEXT,                           -- null until it is authorized
              amount   TEXT,                           -- null in a tombstone: voided before it came
              state    TEXT NOT NULL) WITHOUT ROWID;
            -- Charges, and refunds as negative amounts. No key keeps a second charge out: it would show here.
            CREATE TABLE IF NOT EXISTS ledger (id INTEGER PRIMARY KEY, order_id TEXT NOT NULL, card TEXT, amount TEXT NOT NULL, at INTEGER NOT NULL);
            -- In a choreography: the charges that left, whatever came of them.
            CREATE TABLE IF NOT EXISTS charge_sent (order_id TEXT PRIMARY KEY) WITHOUT ROWID;
            """ + Join.Schema);
        _file.Seed(db =>
        {
            foreach (Card card in Town.Cards)
            {
                db.Execute("INSERT OR IGNORE INTO card VALUES ($1, $2)", card.Token, card.State.ToString());
            }
        });
    }

    /// <summary>Charges the card, once for each order id.</summary>
    /// <exception cref="CardDeclinedException">The card is unknown or declined, or its account is disabled.</exception>
    public Task<Authorization> AuthorizeAsync(Order order, CancellationToken cancellationToken = default)
        => _network.CallAsync(new Call("Accounting", "Authorize", order.Id), async () =>
        {
            // What is to be charged is on disk before it is charged.
            await _file.RunAsync(db => db.Execute("INSERT INTO authorization (order_id, amount, state) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                order.Id, order.Total, AuthorizationState.Pending));
            string? refusal = await _file.ExecuteAsync("Authorize", order.Id, db => Charge(db, order));
            return refusal is null ? await FindAsync(order.Id) ?? throw new CardDeclinedException("voided") : throw new CardDeclinedException(refusal);
        }, cancellationToken);

    /// <summary>Whether the card was charged for an order: the authorization, or null if it was not.</summary>
    public Task<Authorization?> FindAuthorizationAsync(string orderId, CancellationToken cancellationToken = default)
        => _network.CallAsync(new Call("Accounting", "FindAuthorization", orderId), () => FindAsync(orderId), cancellationToken);

    /// <summary>Takes an authorization back, and the money with it. One that has not come leaves a tombstone, which refuses it should it come late.</summary>
    public Task ReverseAuthorizationAsync(string orderId, CancellationToken cancellationToken = default) => TakeBackAsync("ReverseAuthorization", orderId, cancellationToken);

    /// <summary>The same in a choreography, where it need not have been asked for; a charge that nobody has an answer to is found and refunded here.</summary>
    public Task VoidAuthorizationAsync(string orderId, CancellationToken cancellationToken = default) => TakeBackAsync("VoidAuthorization", orderId, cancellationToken);

    /// <summary>Notes one of the events that Accounting waits for before it charges, and keeps it for those that are still to come.</summary>
    /// <param name="order">What is to be paid, if it is the event that says so.</param>
    /// <returns>What is to be charged, to the event that came last, if nobody has said no; the same when it comes again.</returns>
    public Task<ChargeDue?> JoinAsync(string orderId, string @event, Order? order, CancellationToken cancellationToken = default)
        => _network.CallAsync(new Call("Accounting", "Join", orderId), () => _file.RunAsync(db =>
        {
            Order? complete = Join.Arrive(db, orderId, @event, order, of: 3);
            if (order is not null)
            {
                db.Execute("INSERT INTO authorization (order_id, amount, state) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", orderId, order.Total, AuthorizationState.Pending);
            }

            if (complete is null || db.Scalar<string>("SELECT state FROM authorization WHERE order_id = $1", orderId) == AuthorizationState.Voided)
            {
                return null;
            }

            // That the charge leaves is on disk before it does: who finds this row must ask what became of it.
            return new ChargeDue(complete, MayBeDone: db.Execute("INSERT INTO charge_sent VALUES ($1) ON CONFLICT DO NOTHING", orderId) == 0);
        }), cancellationToken);

    public void Dispose() => _file.Dispose();

    private Task TakeBackAsync(string name, string orderId, CancellationToken cancellationToken)
        => _network.CallAsync(new Call("Accounting", name, orderId), () => _file.ExecuteAsync(name, orderId, db =>
        {
            db.Execute("INSERT INTO ledger (order_id, amount, at) SELECT order_id, '-' || amount, $1 FROM authorization WHERE order_id = $2 AND state = $3",
                DateTime.UtcNow.Ticks, orderId, AuthorizationState.Authorized);
            db.Execute("INSERT INTO authorization (order_id, state) VALUES ($1, $2) ON CONFLICT DO UPDATE SET state = $2 WHERE state <> $3",
                orderId, AuthorizationState.Voided, AuthorizationState.Failed);
            return null;
        }), cancellationToken);

    private static string? Charge(SqliteConnection db, Order order)
    {
        if (db.Scalar<string>("SELECT state FROM authorization WHERE order_id = $1", order.Id) == AuthorizationState.Voided)
        {
            return "voided before it came";
        }

        string? refusal = db.Scalar<string>("SELECT state FROM card WHERE token = $1", order.Card) switch
        {
            null => "card unknown",
            nameof(CardState.Declined) => "card declined",
            nameof(CardState.AccountDisabled) => "account disabled",
            _ => null,
        };
        Move.State(db, "authorization", order.Id, AuthorizationState.Pending, refusal is null ? AuthorizationState.Authorized : AuthorizationState.Failed);
        if (refusal is null)
        {
            db.Execute("UPDATE authorization SET id = $1 WHERE order_id = $2", $"auth-{Guid.NewGuid():n}", order.Id);
            db.Execute("INSERT INTO ledger (order_id, card, amount, at) VALUES ($1, $2, $3, $4)", order.Id, order.Card, order.Total, DateTime.UtcNow.Ticks);
        }

        return refusal;
    }

    private Task<Authorization?> FindAsync(string orderId) => _file.RunAsync(db =>
        db.Query("SELECT id, amount FROM authorization WHERE order_id = $1 AND state = $2", row => new Authorization(row.GetString(0), row.GetDecimal(1)),
            orderId, AuthorizationState.Authorized).SingleOrDefault());
}

/// <summary>The right to a sum of money on a card.</summary>
public sealed record Authorization(string Id, decimal Amount);

/// <summary>A charge that is to be made.</summary>
/// <param name="MayBeDone">Whether it left before, with an answer that nobody has.</param>
public sealed record ChargeDue(Order Order, bool MayBeDone);

public sealed class CardDeclinedException(string reason) : Exception(reason);
