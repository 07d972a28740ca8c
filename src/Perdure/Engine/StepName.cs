using System.Collections.Concurrent;
using Perdure.Diagnostics;

namespace Perdure.Engine;

/// <summary>Durable names, from the source text that the compiler hands over: the last method called, without its receiver and <c>Async</c>.</summary>
internal static class StepName
{
    public const int LengthMax = 200;

    // The compiler's texts are literals, so there are only as many as there are calls in the code.
    private static readonly ConcurrentDictionary<string, string?> Known = new(StringComparer.Ordinal);

    public static string Of(string? name, string actionText)
        => name is not null ? Check(name) : Known.GetOrAdd(actionText, Parse)
            ?? throw new ArgumentException($"{ErrorCodes.BadName}: no name can be read from `{Shorten(actionText)}`: give the step a name: \"...\".", nameof(name));

    public static string? OfUndo(string undoText)
        => undoText.Length == 0 || undoText == "null" ? null : Known.GetOrAdd(undoText, Parse);

    public static string Check(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (name.Length > LengthMax || name.AsSpan().IndexOfAnyInRange('\0', '\u001f') >= 0)
        {
            throw new ArgumentException($"{ErrorCodes.BadName}: a name has 1 to {LengthMax} characters and no control characters: `{Shorten(name)}`.", nameof(name));
        }

        return name;
    }

    private static string? Parse(string text)
    {
        int arrow = text.IndexOf("=>", StringComparison.Ordinal);
        ReadOnlySpan<char> body = (arrow < 0 ? text : text.AsSpan(arrow + 2)).Trim();
        if (body.IsEmpty || body[0] == '{')
        {
            return null;
        }

        // The outermost call is the last one whose parenthesis opens at depth 0: a.B(x).CAsync(y) is CAsync.
        int depth = 0;
        int end = arrow < 0 ? body.Length : -1;
        for (int i = 0; i < body.Length; i++)
        {
            switch (body[i])
            {
                case '"':
                    i = EndOfString(body, i);
                    break;
                case '(' or '[' or '<' or '{':
                    if (depth++ == 0 && body[i] is '(' or '<' && i > 0 && IsNamePart(body[i - 1]))
                    {
                        end = i;
                    }

                    break;
                case ')' or ']' or '>' or '}':
                    depth--;
                    break;
            }
        }

        if (end < 0)
        {
            return null;
        }

        int start = end;
        while (start > 0 && IsNamePart(body[start - 1]))
        {
            start--;
        }

        ReadOnlySpan<char> name = body[start..end];
        if (name.EndsWith("Async", StringComparison.Ordinal) && name.Length > 5)
        {
            name = name[..^5];
        }

        return name.IsEmpty ? null : name.ToString();
    }

    private static int EndOfString(ReadOnlySpan<char> text, int start)
    {
        int i = start + 1;
        while (i < text.Length && text[i] != '"')
        {
            i += text[i] == '\\' ? 2 : 1;
        }

        return i;
    }

    private static bool IsNamePart(char c) => char.IsLetterOrDigit(c) || c is '_' or '@';

    private static string Shorten(string text) => text.Length <= 60 ? text : text[..57] + "...";
}
