using System.Text.RegularExpressions;
using Perdure.Shared;

namespace Perdure.Patterns.Tests;

/// <summary>Keeps docs/guides/patterns.md and the flows here together. With <c>PERDURE_WRITE_GUIDE=1</c> it writes the code into the guide.</summary>
public partial class GuideTests
{
    private static readonly string Folder = Path.Combine(SourceTree.Root, "tests", "Perdure.Patterns.Tests");
    private static readonly string Guide = Path.Combine(SourceTree.Root, "docs", "guides", "patterns.md");

    /// <summary>As the Workflow Patterns Initiative numbers them.</summary>
    private static readonly string[] Names =
    [
        "Sequence", "Parallel Split", "Synchronization", "Exclusive Choice", "Simple Merge",
        "Multi-Choice", "Structured Synchronizing Merge", "Multi-Merge", "Structured Discriminator",
        "Arbitrary Cycles", "Implicit Termination",
        "Multiple Instances without Synchronization", "Multiple Instances with a Priori Design-Time Knowledge",
        "Multiple Instances with a Priori Run-Time Knowledge", "Multiple Instances without a Priori Run-Time Knowledge",
        "Deferred Choice", "Interleaved Parallel Routing", "Milestone",
        "Cancel Task", "Cancel Case", "Structured Loop", "Recursion", "Transient Trigger", "Persistent Trigger",
        "Cancel Region", "Cancel Multiple Instance Task", "Complete Multiple Instance Task",
        "Blocking Discriminator", "Cancelling Discriminator", "Structured Partial Join", "Blocking Partial Join", "Cancelling Partial Join",
        "Generalized AND-Join", "Static Partial Join for Multiple Instances", "Cancelling Partial Join for Multiple Instances",
        "Dynamic Partial Join for Multiple Instances", "Acyclic Synchronizing Merge", "General Synchronizing Merge",
        "Critical Section", "Interleaved Routing", "Thread Merge", "Thread Split", "Explicit Termination",
    ];

    [Fact]
    public void The_guide_has_each_of_the_43_patterns_once_and_in_its_contents()
    {
        string guide = File.ReadAllText(Guide);
        string[] headings = [.. Names.Select((name, i) => $"{i + 1}. {name}")];

        Section().Matches(guide).Select(section => section.Groups["heading"].Value).ShouldBe(headings, ignoreOrder: true);
        headings.Where(heading => !guide.Contains($"- [{heading}](#", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    public void The_flows_have_each_of_the_43_patterns_once()
        => Regions().Select(region => region.Number).Order().ShouldBe(Enumerable.Range(1, 43));

    [Fact]
    public void The_guide_shows_the_code_that_is_tested()
    {
        Dictionary<int, string> code = Regions().ToDictionary(region => region.Number, region => region.Code);
        string guide = File.ReadAllText(Guide);
        string written = Section().Replace(guide, section => $"{section.Groups["text"].Value}```csharp\n{code[int.Parse(section.Groups["number"].Value)]}```");
        if (Environment.GetEnvironmentVariable("PERDURE_WRITE_GUIDE") == "1")
        {
            File.WriteAllText(Guide, written);
            return;
        }

        guide.ShouldBe(written);
    }

    private static IEnumerable<(int Number, string Code)> Regions() => Directory.GetFiles(Folder, "*.cs")
        .SelectMany(file => Region().Matches(File.ReadAllText(file)))
        .Select(region => (int.Parse(region.Groups["number"].Value), region.Groups["code"].Value));

    [GeneratedRegex(@"^// pattern (?<number>\d+)\n(?<code>.*?)^// end$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Region();

    [GeneratedRegex(@"(?<text>^### (?<heading>(?<number>\d+)\. [^\n]*)\n.*?)```csharp\n.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Section();
}
