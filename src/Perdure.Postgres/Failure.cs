using System.Globalization;
using Npgsql;
using Perdure.Diagnostics;
using Perdure.Storage;

namespace Perdure.Postgres;

/// <summary>What failures of the server, and of the way to it, mean.</summary>
internal static class Failure
{
    /// <summary>Whether the server says that it did not do what was asked, and took back the transaction. After an error that ends the session nobody knows.</summary>
    public static bool IsDefinite(PostgresException e) => e.InvariantSeverity == "ERROR";

    /// <summary>Whether a value is at fault: the server (a value out of range, a constraint, too large for an index), or the driver, which could not write it.</summary>
    public static bool IsValues(Exception e) => e switch
    {
        PostgresException server => IsDefinite(server) && server.SqlState[..2] is "22" or "23" or "54",
        _ => IsDrivers(e),
    };

    /// <summary>Whether the driver could not write a value: half a character, say. It then takes statements for prepared that it has not sent.</summary>
    public static bool IsDrivers(Exception e) => e is ArgumentException or InvalidCastException or OverflowException;

    /// <summary>Whether driver and server disagree on what is prepared: a pooler between them has changed the connection.</summary>
    public static bool IsNotPrepared(Exception e) => e is PostgresException { SqlState: PostgresErrorCodes.InvalidSqlStatementName };

    /// <summary>Whether the connection failed, and not what was asked over it.</summary>
    public static bool IsConnections(Exception e) => e is NpgsqlException and not PostgresException || (e is PostgresException server && !IsDefinite(server));

    /// <summary>Nobody can be asked.</summary>
    public static StoreException Unreachable(Database database, Exception e) => new(
        ErrorCodes.PostgresUnreachable, $"PostgreSQL ({database.Name}) cannot be reached: {Reason(e)}", e);

    /// <summary>The server does not do it now.</summary>
    public static StoreException Refuses(Database database, Exception e) => new(
        ErrorCodes.PostgresRefuses, $"PostgreSQL ({database.Name}) does not take what is asked of it now: {Reason(e)}", e);

    /// <summary>Nobody knows whether it was done.</summary>
    public static StoreException Unknown(Database database, Exception e) => new(
        ErrorCodes.PostgresOutcomeUnknown, $"The connection to PostgreSQL ({database.Name}) ended in a transaction, and nobody knows whether it was committed: {Reason(e)}", e);

    /// <summary>Says what a failed read means.</summary>
    public static StoreException OfRead(Database database, Exception e) => IsConnections(e) ? Unreachable(database, e) : Refuses(database, e);

    public static string Reason(Exception e) => e switch
    {
        PostgresException server => string.Create(CultureInfo.InvariantCulture, $"{server.MessageText} ({server.SqlState})"),
        { InnerException: { } inner } => $"{e.Message}: {inner.Message}",
        _ => e.Message,
    };
}
