using System.Collections;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Perdure.Testing.Conformance;

/// <summary>What facts about a store say of its answers. Lists are compared by what they hold.</summary>
internal static class StoreExpectations
{
    public static void ShouldBe<T>(this T actual, T expected, string? about = null, [CallerArgumentExpression(nameof(actual))] string what = "")
        => Expect.That(AreSame(actual, expected), () => $"{what} should be {Print(expected)}, and is {Print(actual)}. {about}".TrimEnd());

    public static void ShouldBeEmpty<T>(this IEnumerable<T> actual, [CallerArgumentExpression(nameof(actual))] string what = "")
        => Expect.That(!actual.Any(), () => $"{what} should be empty, and is {Print(actual)}.");

    public static void ShouldAllBe<T>(this IEnumerable<T> actual, Func<T, bool> holds, [CallerArgumentExpression(nameof(actual))] string what = "", [CallerArgumentExpression(nameof(holds))] string condition = "")
        => Expect.That(actual.All(holds), () => $"all of {what} should fit {condition}, and they are {Print(actual)}.");

    public static void ShouldBeNull(this object? actual, [CallerArgumentExpression(nameof(actual))] string what = "")
        => Expect.That(actual is null, () => $"{what} should be null, and is {Print(actual)}.");

    public static T ShouldNotBeNull<T>(this T? actual, [CallerArgumentExpression(nameof(actual))] string what = "")
        where T : class
        => actual ?? throw new ExpectationException($"{what} should not be null.");

    public static void ShouldNotBeNullOrWhiteSpace(this string? actual, [CallerArgumentExpression(nameof(actual))] string what = "")
        => Expect.That(!string.IsNullOrWhiteSpace(actual), () => $"{what} should say something.");

    private static bool AreSame(object? actual, object? expected)
        => actual is IEnumerable and not string && expected is IEnumerable list
            ? ((IEnumerable)actual).Cast<object?>().SequenceEqual(list.Cast<object?>(), EqualityComparer<object?>.Create(AreSame))
            : Equals(actual, expected);

    private static string Print(object? value) => value switch
    {
        null => "null",
        string text => $"\"{text}\"",
        DateTimeOffset time => time.ToString("O", CultureInfo.InvariantCulture),
        IEnumerable list => $"[{string.Join(", ", list.Cast<object?>().Take(50).Select(Print))}]",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };
}

/// <summary>What a call must throw.</summary>
internal static class Should
{
    public static async Task ThrowAsync<TException>(Func<Task> call)
        where TException : Exception
    {
        Exception? thrown = null;
        try
        {
            await call();
        }
        catch (Exception e)
        {
            thrown = e;
        }

        Expect.That(thrown is TException, () => $"the call should throw {typeof(TException).Name}, and {(thrown is null ? "did not throw" : $"threw {thrown.GetType().Name}: {thrown.Message}")}.");
    }
}
