namespace Perdure;

/// <summary>Every error of this library: it carries a stable code that has a page in docs/errors.</summary>
public class PerdureException : Exception
{
    /// <summary>Makes the exception; the code is put in front of the message.</summary>
    public PerdureException(string code, string message, Exception? inner = null)
        : base($"{code}: {message}", inner)
    {
        Code = code;
    }

    /// <summary>The stable code, such as <c>PRD1003</c>. docs/errors has a page for each.</summary>
    public string Code { get; }

    /// <summary>The message without the code, for places that show the code by itself.</summary>
    internal string MessageWithoutCode => Message[(Code.Length + 2)..];
}
