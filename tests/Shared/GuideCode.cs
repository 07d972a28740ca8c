using System.Text.RegularExpressions;

namespace Perdure.Shared;

/// <summary>The code in a guide is the code of tests: each block repeats a region, from <c>// docs: name</c> to <c>// end</c>.</summary>
internal static partial class GuideCode
{
    /// <summary>What differs between the blocks of a guide and the regions in a file, or in a folder's files; empty if nothing does.</summary>
    public static IReadOnlyList<string> Differences(string guide, string source)
    {
        string[] blocks = [.. Block().Matches(File.ReadAllText(Path.Combine(SourceTree.Root, guide))).Select(match => match.Groups[1].Value)];
        string path = Path.Combine(SourceTree.Root, source);
        Dictionary<string, string> regions = (File.Exists(path) ? [path] : Directory.GetFiles(path, "*.cs", SearchOption.AllDirectories))
            .SelectMany(file => Region().Matches(File.ReadAllText(file))).ToDictionary(match => match.Groups[2].Value, Text);
        return
        [
            .. blocks.Where(block => !regions.ContainsValue(block)).Select(block => $"a block of the guide is in no region of the tests:\n{block}"),
            .. regions.Where(region => !blocks.Contains(region.Value)).Select(region => $"a region of the tests is not in the guide: {region.Key}"),
        ];
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
