using Microsoft.Data.Sqlite;

namespace Orders.Services;

public static class OrderState
{
    public const string ApprovalPending = "APPROVAL_PENDING";
    public const string Approved = "APPROVED";
    public const string Rejected = "REJECTED";
    public const string CancelPending = "CANCEL_PENDING";
    public const string Cancelled = "CANCELLED";
}

public static class TicketState
{
    public const string CreatePending = "CREATE_PENDING";
    public const string AwaitingAcceptance = "AWAITING_ACCEPTANCE";
    public const string CreateRejected = "CREATE_REJECTED";
    public const string Cancelled = "CANCELLED";
}

public static class AuthorizationState
{
    public const string Pending = "PENDING";
    public const string Authorized = "AUTHORIZED";
    public const string Failed = "FAILED";
    public const string Voided = "VOIDED";
}

/// <summary>A command that the order's state does not allow, now or later. It is a defect of the caller, and nothing was changed.</summary>
public sealed class WrongStateException(string message) : Exception(message);

internal static class Move
{
    /// <summary>Moves a row from one state to another; the one place where states change.</summary>
    public static void State(SqliteConnection db, string table, string orderId, string from, string to)
    {
        if (db.Execute($"UPDATE {table} SET state = $1 WHERE order_id = $2 AND state = $3", to, orderId, from) == 0)
        {
            string state = db.Scalar<string>($"SELECT state FROM {table} WHERE order_id = $1", orderId) ?? "unknown";
            throw new WrongStateException($"{table} {orderId} is {state}: only {from} can become {to}");
        }
    }
}
