namespace Perdure.Testing;

/// <summary>What a test expected is not so. The message says what is, with the run's history where there is one.</summary>
public sealed class ExpectationException : Exception
{
    /// <summary>Makes the exception.</summary>
    public ExpectationException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
