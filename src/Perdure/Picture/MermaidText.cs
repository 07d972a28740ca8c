using System.Globalization;
using System.Text;

namespace Perdure.Picture;

/// <summary>Texts of users inside Mermaid.</summary>
/// <remarks>
/// Mermaid has no quoting that holds everywhere: quotes, hashes, semicolons, brackets, percent signs, backticks, and words like `end` or
/// `wrap:` mean something in one place or another. Entity codes (<c>#35;</c>) stand for themselves wherever text may.
/// </remarks>
internal static class MermaidText
{
    private const string Safe = " .,:/()_-+'…�";

    public static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (Rune rune in PlainText.Clean(text).Replace("$$", "$ $", StringComparison.Ordinal).EnumerateRunes()) // formulas are looked for last
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

        return Unlisted(string.Join(' ', escaped.ToString().Split(' ').Select(Word)));
    }

    /// <summary>A text that begins like a line of a list, with its mark as a code: flowcharts read it as Markdown, and show no lists.</summary>
    private static string Unlisted(string text)
    {
        int mark = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        bool isMark = mark >= 0 && (mark == 0 ? text[mark] is '-' or '+' : text[mark] is '.' or ')') && (mark + 1 == text.Length || text[mark + 1] == ' ');
        return isMark ? string.Create(CultureInfo.InvariantCulture, $"{text[..mark]}#{(int)text[mark]};{text[(mark + 1)..]}") : text;
    }

    /// <summary>A word that Mermaid would take for one of its own, with its first letter as a code.</summary>
    private static string Word(string word)
        => word == "end" || word.StartsWith("wrap:", StringComparison.Ordinal) || word.StartsWith("nowrap:", StringComparison.Ordinal) ? $"#{(int)word[0]};{word[1..]}" : word;
}
