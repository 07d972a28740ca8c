namespace Perdure.Testing;

/// <summary>Throws where something is not as it must be.</summary>
internal static class Expect
{
    public static void That(bool holds, Func<string> message)
    {
        if (!holds)
        {
            throw new ExpectationException(message());
        }
    }
}
