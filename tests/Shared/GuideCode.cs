using System.Text.RegularExpressions;

namespace Perdure.Shared;

/// <summary>The code in a guide is code that is compiled and run: each block repeats a region of some tests, from <c>// docs: name</c> to <c>// end</c>.</summary>
internal static partial class GuideCode
{
    public static void MustBeTheCodeOf(string tests, string guide)
    {
        string[] blocks = [.. Block().Matches(File.ReadAllText(Path.Combine(SourceTree.Root, guide))).Select(match => match.Groups[1].Value)];
        Dictionary<string, string> regions = Directory.GetFiles(Path.Combine(SourceTree.Root, tests), "*.cs", SearchOption.AllDirectories)
            .SelectMany(file => Region().Matches(File.ReadAllText(file))).ToDictionary(match => match.Groups[2].Value, Text);

        blocks.Where(block => !regions.ContainsValue(block)).ShouldBeEmpty("a block of the guide is in no region of the tests");
        regions.Where(region => !blocks.Contains(region.Value)).Select(region => region.Key).ShouldBeEmpty("a region of the tests is not in the guide");
    }

    /// <summary>A region's lines, moved to the left as far as its marks are.</summary>
    private static string Text(Match region)
    {
        int indent = region.Groups[1].Length;
        return string.Concat(region.Groups[3].Value.Split('\n', StringSplitOptions.None).SkipLast(1).Select(line => (line.Length > indent ? line[indent..] : line.TrimStart()) + "\n"));
    }

    [GeneratedRegex("^```csharp\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex("^([ ]*)// docs: ([a-z-]+)\n(.*?)^[ ]*// end\n", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Region();
}
