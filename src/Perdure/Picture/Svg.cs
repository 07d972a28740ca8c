using System.Globalization;
using System.Text;

namespace Perdure.Picture;

/// <summary>Writes an SVG image that needs nothing else: colours for light and dark, the viewer's own sans-serif font, no script, no link.</summary>
internal sealed class Svg
{
    public const double FontSize = 13;
    public const double SmallFontSize = 11;
    public const double Margin = 16;

    /// <summary>Where the picture begins below its title.</summary>
    public const double Top = (2 * Margin) + FontSize;

    private const int TitleLengthMax = 160;

    private readonly StringBuilder _text = new();

    /// <summary>Begins an image.</summary>
    /// <param name="title">What it shows.</param>
    /// <param name="width">Its width; it is made wide enough for the title.</param>
    /// <param name="height">Its height.</param>
    public Svg(string title, double width, double height)
    {
        title = PlainText.Clip(PlainText.Clean(title), TitleLengthMax);
        double all = Math.Ceiling(Math.Max(width, TextWidth.Of(title, FontSize) + (2 * Margin)));
        double high = Math.Ceiling(height);
        Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"perdure-picture\" role=\"img\" width=\"{all}\" height=\"{high}\" viewBox=\"0 0 {all} {high}\">\n<title>{title}</title>\n<style>\n");
        _text.Append(SvgStyle.Css);
        Add($"</style>\n<rect class=\"back\" width=\"{all}\" height=\"{high}\"/>\n");
        Text(Margin, Margin + FontSize - 2, title, "muted", FontSize);
    }

    /// <summary>Adds elements. What is interpolated is escaped, and numbers are short.</summary>
    public Svg Add(FormattableString elements)
    {
        _text.Append(elements.ToString(SvgFormat.Instance));
        return this;
    }

    public void Text(double x, double y, string text, string look, double fontSize, string anchor = "start")
        => Add($"<text class=\"{look}\" x=\"{x}\" y=\"{y}\" font-size=\"{fontSize}\" text-anchor=\"{anchor}\">{text}</text>\n");

    /// <summary>The head of an arrow that goes to the right, or to the left.</summary>
    public void ArrowHead(double x, double y, bool toRight)
    {
        double back = toRight ? x - 8 : x + 8;
        Add($"<path class=\"tip\" d=\"M{x} {y}L{back} {y - 4}L{back} {y + 4}Z\"/>\n");
    }

    public string End() => _text.Append("</svg>\n").ToString();

    private sealed class SvgFormat : IFormatProvider, ICustomFormatter
    {
        public static readonly SvgFormat Instance = new();

        public object? GetFormat(Type? formatType) => formatType == typeof(ICustomFormatter) ? this : null;

        public string Format(string? format, object? arg, IFormatProvider? formatProvider)
            => arg is double number ? number.ToString("0.##", CultureInfo.InvariantCulture) : Escape(Convert.ToString(arg, CultureInfo.InvariantCulture) ?? "");

        /// <summary>Text as XML takes it, in attributes, too. What XML cannot hold at all is cleaned away.</summary>
        private static string Escape(string text) => PlainText.Clean(text)
            .Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal)
            .Replace("\"", "&quot;", StringComparison.Ordinal).Replace("'", "&#39;", StringComparison.Ordinal);
    }
}
