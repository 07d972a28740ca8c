using System.Collections.Concurrent;
using System.Reflection;
using System.Text;
using Perdure.Diagnostics;

namespace Perdure.Engine;

/// <summary>Durable names of types, and the rules for ids.</summary>
internal static class FlowNames
{
    public const int IdLengthMax = 400;

    private static readonly ConcurrentDictionary<Type, string> Names = new();

    public static string Of(Type type) => Names.GetOrAdd(type, static t => t.GetCustomAttribute<NamedAttribute>()?.Name ?? Kebab(t));

    public static int VersionOf(Type type) => type.GetCustomAttribute<NamedAttribute>()?.Version ?? 1;

    public static string CheckType(string name)
    {
        StepName.Check(name);
        return !name.Contains('/', StringComparison.Ordinal)
            ? name
            : throw new ArgumentException($"{ErrorCodes.BadName}: a flow type's name has no slash: `{name}`.", nameof(name));
    }

    public static string CheckId(string id)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(id);
        return id.Length <= IdLengthMax && id.AsSpan().IndexOfAnyInRange('\0', '\u001f') < 0
            ? id
            : throw new PerdureException(ErrorCodes.BadName, $"an id has 1 to {IdLengthMax} characters and no control characters.");
    }

    /// <summary>CreateOrder is create-order; HTTPProbe2 is http-probe2; a generic type's arguments follow.</summary>
    private static string Kebab(Type type)
    {
        int arity = type.Name.IndexOf('`', StringComparison.Ordinal);
        string name = arity < 0 ? type.Name : type.Name[..arity];
        var text = new StringBuilder(name.Length + 4);
        for (int i = 0; i < name.Length; i++)
        {
            bool startsWord = char.IsUpper(name[i]) && i > 0
                && (!char.IsUpper(name[i - 1]) || (i + 1 < name.Length && char.IsLower(name[i + 1])));
            if (startsWord)
            {
                text.Append('-');
            }

            text.Append(char.ToLowerInvariant(name[i]));
        }

        foreach (Type argument in type.GenericTypeArguments)
        {
            text.Append('-').Append(Of(argument));
        }

        return text.ToString();
    }
}
