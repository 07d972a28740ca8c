namespace Orders.Services;

/// <summary>What lies between a caller and a service, and what can go wrong there.</summary>
public interface INetwork
{
    /// <summary>Carries a call to its service, and the answer back; or not.</summary>
    Task<T> CallAsync<T>(Call call, Func<Task<T>> work, CancellationToken cancellationToken);
}

public readonly record struct Call(string Service, string Command, string OrderId)
{
    public override string ToString() => $"{Service}.{Command}({OrderId})";
}

/// <summary>The service did not take the call: nothing was done.</summary>
public sealed class ServiceUnavailableException(Call call) : Exception($"{call.Service} is unavailable");

/// <summary>The connection broke after the service had done its work: it knows, and the caller does not.</summary>
public sealed class AnswerLostException(Call call) : IOException($"{call.Service}: the connection broke before {call.Command} was answered");
