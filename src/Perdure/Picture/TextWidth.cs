using System.Text;

namespace Perdure.Picture;

/// <summary>How wide a text is at most. Nobody knows the viewer's font, so the widest of the usual sans-serif fonts counts (DejaVu Sans, Verdana).</summary>
internal static class TextWidth
{
    private const double Wide = 1.06; // ideographs, kana, hangul: as wide as high
    private const double Symbol = 1.4; // emoji and what else lies beyond the first plane
    private const double Other = 0.86;

    /// <summary>In hundredths of the font's size, for ' ' to '~'.</summary>
    private static ReadOnlySpan<byte> Ascii =>
    [
        36, 41, 46, 84, 64, 108, 79, 28, 46, 46, 64, 84, 37, 46, 37, 46, // space to /
        64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 46, 46, 84, 84, 84, 55, // 0 to ?
        101, 69, 69, 70, 78, 64, 58, 78, 76, 43, 46, 70, 56, 87, 75, 79, // @ to O
        61, 79, 70, 69, 62, 74, 69, 99, 69, 62, 69, 46, 46, 46, 84, 64, // P to _
        64, 62, 64, 56, 64, 62, 36, 64, 64, 28, 35, 60, 28, 98, 64, 62, // ` to o
        64, 64, 43, 53, 40, 64, 60, 82, 60, 60, 54, 64, 46, 64, 84, // p to ~
    ];

    public static double Of(string text, double fontSize)
    {
        double width = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            width += rune.Value switch
            {
                >= ' ' and <= '~' => Ascii[rune.Value - ' '] / 100.0,
                > 0xffff => Symbol,
                >= 0x1100 and (< 0x1200 or >= 0x2e80) and not 0xfffd => Wide,
                '…' or '�' => Wide,
                _ => Other,
            };
        }

        return width * fontSize;
    }
}
