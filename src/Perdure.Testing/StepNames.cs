namespace Perdure.Testing;

/// <summary>How tests may name a step: as history does, or as the method that it calls.</summary>
internal static class StepNames
{
    /// <summary>Whether a test's name means what history has: the same, but for a receiver in front and <c>Async</c> at the end.</summary>
    public static bool Fits(string name, string given)
    {
        if (name == given)
        {
            return true;
        }

        ReadOnlySpan<char> last = given.AsSpan(given.LastIndexOf('.') + 1);
        return name.AsSpan().SequenceEqual(last.EndsWith("Async", StringComparison.Ordinal) ? last[..^5] : last);
    }
}
