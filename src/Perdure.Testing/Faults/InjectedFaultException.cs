namespace Perdure.Testing;

/// <summary>What a step's attempt throws by a test's plan: nothing was done.</summary>
public sealed class InjectedFaultException : Exception
{
    /// <summary>Makes the exception.</summary>
    public InjectedFaultException()
        : base("failed by the test's plan")
    {
    }
}
