using System.Globalization;
using System.Text;

namespace Perdure.Picture;

/// <summary>Texts of users inside Mermaid.</summary>
/// <remarks>
/// Mermaid has no quoting that holds everywhere: quotes, hashes, semicolons, colons, brackets, percent signs, backticks and words like `end`
/// or `wrap:` mean something in one place or another. Entity codes (<c>#35;</c>) stand for themselves wherever text may.
/// </remarks>
internal static class MermaidText
{
    private const string Safe = " .,/()_-+'…�";

    public static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (Rune rune in PlainText.Clean(text).EnumerateRunes())
        {
            if (Rune.IsLetterOrDigit(rune) || (rune.IsBmp && Safe.Contains((char)rune.Value, StringComparison.Ordinal)))
            {
                escaped.Append(rune);
            }
            else
            {
                escaped.Append(CultureInfo.InvariantCulture, $"#{rune.Value};");
            }
        }

        return EndWord(escaped.ToString());
    }

    /// <summary>A lower-case `end` as a word of its own closes blocks.</summary>
    private static string EndWord(string text) => string.Join(' ', text.Split(' ').Select(word => word == "end" ? "#101;nd" : word));
}
