using System.Diagnostics.CodeAnalysis;

namespace Perdure;

/// <summary>A value that came, or did not come within its limit.</summary>
public readonly record struct Maybe<T>
{
    private readonly T _value;

    internal Maybe(T value)
    {
        HasValue = true;
        _value = value;
    }

    /// <summary>Whether it came.</summary>
    public bool HasValue { get; }

    /// <summary>The value.</summary>
    /// <exception cref="InvalidOperationException">It did not come.</exception>
    public T Value => HasValue ? _value : throw new InvalidOperationException("There is no value: ask HasValue or TryGet first.");

    /// <summary>Whether it came, and the value.</summary>
    public bool TryGet([MaybeNullWhen(false)] out T value)
    {
        value = _value;
        return HasValue;
    }
}
