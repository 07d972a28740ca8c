namespace Perdure;

/// <summary>How the exceptions that services throw are sorted, so that services stay free of this library.</summary>
/// <remarks>
/// The rule for the most derived type wins; of two for one type, the later one. What no rule names: <see cref="RejectedException"/> is
/// rejected; <see cref="TimeoutException"/> and a cancellation that the attempt did not ask for are of unknown outcome; everything else
/// is transient (but a result that is no JSON or too large, which is permanent, and a second transaction in a step, after which the first one stands: unknown), since a defect that is retried can still be mended by a deployment while a wrong failure cannot be taken back.
/// </remarks>
public sealed class ErrorRules
{
    private readonly Dictionary<Type, Func<Exception, (ErrorKind Kind, string? Reason)>> _rules = [];

    /// <summary>This exception is a business no: never retried.</summary>
    /// <param name="reason">What <see cref="RejectedException.Reason"/> says; the exception's message by default.</param>
    public ErrorRules Reject<TException>(Func<TException, string>? reason = null)
        where TException : Exception
        => Add<TException>(e => (ErrorKind.Rejected, reason is null ? null : ReasonOf(reason, (TException)e)));

    /// <summary>This exception will not pass: the step fails without more attempts.</summary>
    public ErrorRules Permanent<TException>()
        where TException : Exception
        => Add<TException>(_ => (ErrorKind.Permanent, null));

    /// <summary>This exception may pass, and the work was not done: retried.</summary>
    public ErrorRules Transient<TException>()
        where TException : Exception
        => Add<TException>(_ => (ErrorKind.Transient, null));

    /// <summary>After this exception nobody knows whether the work was done: reconciled where the step says how, and retried under the same key.</summary>
    public ErrorRules Unknown<TException>()
        where TException : Exception
        => Add<TException>(_ => (ErrorKind.Unknown, null));

    internal ErrorInfo Sort(Exception exception)
    {
        (ErrorKind kind, string? reason) = exception switch
        {
            RejectedException rejected => (ErrorKind.Rejected, rejected.Reason),
            PerdureException { Code: Diagnostics.ErrorCodes.PayloadMismatch or Diagnostics.ErrorCodes.PayloadTooLarge } => (ErrorKind.Permanent, null),
            PerdureException { Code: Diagnostics.ErrorCodes.SecondTransaction } => (ErrorKind.Unknown, null),
            _ => Find(exception.GetType())?.Invoke(exception)
                ?? (exception is TimeoutException or OperationCanceledException ? ErrorKind.Unknown : ErrorKind.Transient, null),
        };
        return new ErrorInfo(kind, CodeOf(kind), exception.GetType().Name, reason ?? exception.Message);
    }

    internal static string CodeOf(ErrorKind kind) => kind switch
    {
        ErrorKind.Rejected => Diagnostics.ErrorCodes.StepRejected,
        ErrorKind.Unknown or ErrorKind.Cancelled => Diagnostics.ErrorCodes.OutcomeUnknown,
        _ => Diagnostics.ErrorCodes.StepFailed,
    };

    /// <summary>A rule that throws says nothing: the exception's message does.</summary>
    private static string? ReasonOf<TException>(Func<TException, string> reason, TException exception)
    {
        try
        {
            return reason(exception);
        }
        catch (Exception)
        {
            return null;
        }
    }

    private Func<Exception, (ErrorKind Kind, string? Reason)>? Find(Type type)
    {
        for (Type? t = type; t is not null; t = t.BaseType)
        {
            if (_rules.TryGetValue(t, out var rule))
            {
                return rule;
            }
        }

        return null;
    }

    private ErrorRules Add<TException>(Func<Exception, (ErrorKind, string?)> rule)
    {
        _rules[typeof(TException)] = rule;
        return this;
    }
}
