using System.Globalization;
using System.Text;

namespace Perdure.Picture;

/// <summary>Texts from users as one line of a picture, and times as people read them.</summary>
internal static class PlainText
{
    private const char Ellipsis = '…';

    /// <summary>One line, without what cannot be shown or would turn the text around it: each such character is a � or, where it is a space of some kind, a space.</summary>
    public static string Clean(string text)
    {
        if (text.All(char.IsAsciiLetterOrDigit))
        {
            return text;
        }

        var clean = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                clean.Append(c).Append(text[++i]);
            }
            else
            {
                clean.Append(char.IsWhiteSpace(c) ? ' ' : CanBeShown(c) ? c : '\ufffd');
            }
        }

        return clean.ToString();
    }

    /// <summary>At most so many characters; what is cut off is an ellipsis.</summary>
    public static string Clip(string text, int lengthMax)
    {
        if (text.Length <= lengthMax)
        {
            return text;
        }

        int cut = char.IsHighSurrogate(text[lengthMax - 2]) ? lengthMax - 2 : lengthMax - 1;
        return text[..cut].TrimEnd() + Ellipsis;
    }

    public static string Span(TimeSpan span)
    {
        double ms = Math.Max(0, span.TotalMilliseconds);
        return ms switch
        {
            < 99.95 => Invariant($"{ms:0.#} ms"),
            < 999.5 => Invariant($"{ms:0} ms"),
            < 9_999.5 => Invariant($"{ms / 1_000:0.###} s"),
            < 60_000 => Invariant($"{Math.Floor(ms / 10) / 100:0.##} s"),
            < 3_600_000 => Invariant($"{span.Minutes} min {span.Seconds} s"),
            < 86_400_000 => Invariant($"{span.Hours} h {span.Minutes} min"),
            _ => Invariant($"{(long)span.TotalDays} d {span.Hours} h"),
        };
    }

    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static bool CanBeShown(char c)
        => c < 0xfffe && CharUnicodeInfo.GetUnicodeCategory(c) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.OtherNotAssigned);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
