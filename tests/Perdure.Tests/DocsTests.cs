using System.Diagnostics.Metrics;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Perdure.Diagnostics;
using Perdure.Shared;

namespace Perdure.Tests;

/// <summary>Keeps the pages and the code together.</summary>
public partial class DocsTests
{
    private static readonly string Root = SourceTree.Root;

    [Fact]
    public void Every_error_code_has_a_page_and_every_page_a_code()
    {
        IEnumerable<string> codes = typeof(ErrorCodes).GetFields().Select(field => (string)field.GetRawConstantValue()!);
        IEnumerable<string> pages = Directory.GetFiles(PathOf("docs/errors"), "PRD*.md").Select(page => Path.GetFileNameWithoutExtension(page));

        pages.ShouldBe(codes, ignoreOrder: true);
    }

    [Fact]
    public void Every_error_page_is_titled_by_its_code_and_linked_in_the_index()
    {
        string index = Read("docs/errors/README.md");
        foreach (string page in Directory.GetFiles(PathOf("docs/errors"), "PRD*.md"))
        {
            string code = Path.GetFileNameWithoutExtension(page);
            File.ReadLines(page).First().ShouldStartWith($"# {code}: ");
            index.ShouldContain($"[{code}]({code}.md)");
        }
    }

    [Fact]
    public void Links_lead_to_files_and_headings_that_exist()
    {
        var broken =
            from page in Pages()
            from link in Links(page)
            where !Exists(page, link)
            select $"{Path.GetRelativePath(Root, page)}: {link}";

        broken.ShouldBeEmpty();
    }

    [Fact]
    public void Every_page_can_be_reached_from_the_readme()
    {
        HashSet<string> reached = [];
        Queue<string> toRead = new([PathOf("README.md")]);
        while (toRead.TryDequeue(out string? page))
        {
            if (reached.Add(page))
            {
                IEnumerable<string> pages = Links(page).Select(link => TargetOf(page, link)).Where(target => target.EndsWith(".md", StringComparison.Ordinal));
                pages.ToList().ForEach(toRead.Enqueue);
            }
        }

        Directory.GetFiles(PathOf("docs"), "*.md", SearchOption.AllDirectories).Except(reached).ShouldBeEmpty();
    }

    [Fact]
    public void The_readme_is_short() => File.ReadLines(PathOf("README.md")).Count().ShouldBeLessThan(150);

    [Theory]
    [InlineData(typeof(PerdureOptions), "options.md")]
    [InlineData(typeof(FlowOptions), "options.md")]
    [InlineData(typeof(DependencyOptions), "options.md")]
    [InlineData(typeof(QueueOptions), "options.md")]
    [InlineData(typeof(PoolOptions), "options.md")]
    [InlineData(typeof(EventOptions), "options.md")]
    [InlineData(typeof(TopicOptions), "options.md")]
    [InlineData(typeof(SubscriptionOptions), "options.md")]
    [InlineData(typeof(SqliteStoreOptions), "stores.md")]
    [InlineData(typeof(PostgresStoreOptions), "stores.md")]
    [InlineData(typeof(Retry), "errors-and-retries.md")]
    public void Every_option_has_a_row_in_its_guide(Type options, string guide)
    {
        string text = Read($"docs/guides/{guide}");
        IEnumerable<string> settable = options.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly).Select(property => property.Name);

        settable.Where(name => !text.Contains($"\n| `{name}` |", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    public void Every_log_event_has_a_number_of_its_own_and_a_row_with_its_level()
    {
        string guide = Read("docs/guides/watching.md");
        LoggerMessageAttribute[] messages = [.. typeof(Log).GetMethods().Select(method => method.GetCustomAttribute<LoggerMessageAttribute>()).OfType<LoggerMessageAttribute>()];
        IEnumerable<string> rows = messages.Select(message => $"\n| {message.EventId} | {message.Level} |");

        messages.GroupBy(message => message.EventId).Where(same => same.Count() > 1).Select(same => same.Key).ShouldBeEmpty();
        rows.Where(row => !guide.Contains(row, StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    public void Every_instrument_has_a_row_with_its_unit()
    {
        RuntimeHelpers.RunClassConstructor(typeof(PerdureMeter).TypeHandle);
        HashSet<string> rows = [];
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter.Name == PerdureMeter.Name)
            {
                rows.Add($"\n| `{instrument.Name}` | {(instrument is Histogram<double> ? "histogram" : instrument.IsObservable ? "gauge" : "counter")}, `{instrument.Unit}` |");
            }
        };
        listener.Start();
        string guide = Read("docs/guides/watching.md");

        rows.ShouldNotBeEmpty();
        rows.Where(row => !guide.Contains(row, StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    public void Tests_that_the_architecture_names_exist()
    {
        string tests = string.Concat(((string[])["tests", "src/Perdure.Testing/Conformance"]).SelectMany(folder => Directory.GetFiles(PathOf(folder), "*.cs", SearchOption.AllDirectories)).Select(File.ReadAllText));
        IEnumerable<string> names = TestName().Matches(Read("docs/internals/ARCHITECTURE.md")).Select(match => match.Groups[1].Value);

        names.Where(name => !tests.Contains($" {name}(", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    private static IEnumerable<string> Pages() =>
    [
        .. Directory.GetFiles(Root, "*.md"),
        .. Directory.GetFiles(PathOf("docs"), "*.md", SearchOption.AllDirectories),
        .. Directory.GetDirectories(PathOf("samples")).Append(PathOf("bench")).Select(folder => Path.Combine(folder, "README.md")).Where(File.Exists),
    ];

    private static IEnumerable<string> Links(string page) => Link().Matches(Code().Replace(File.ReadAllText(page), ""))
        .Select(match => match.Groups[1].Value).Where(link => !link.Contains("://", StringComparison.Ordinal));

    private static bool Exists(string page, string link)
    {
        string target = TargetOf(page, link);
        string heading = link.Contains('#', StringComparison.Ordinal) ? link[(link.IndexOf('#', StringComparison.Ordinal) + 1)..] : "";
        return Path.Exists(target) && (heading.Length == 0 || Headings(target).Contains(heading));
    }

    private static string TargetOf(string page, string link)
    {
        string path = link.Split('#')[0];
        return path.Length == 0 ? page : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(page)!, path));
    }

    /// <summary>The anchors that GitHub gives a page's headings.</summary>
    private static IEnumerable<string> Headings(string page) => Heading().Matches(Fence().Replace(File.ReadAllText(page), ""))
        .Select(match => NotInAnchors().Replace(match.Groups[1].Value.Trim().ToLower(CultureInfo.InvariantCulture), "").Replace(' ', '-'));

    private static string Read(string path) => File.ReadAllText(PathOf(path));

    private static string PathOf(string path) => Path.GetFullPath(Path.Combine(Root, path));

    [GeneratedRegex(@"\[[^\]\n]*\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^```.*?^```|`[^`\n]*`|^    [^\n]*", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Code();

    [GeneratedRegex(@"^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"^#+ (.*)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\p{L}\p{N} _-]")]
    private static partial Regex NotInAnchors();

    [GeneratedRegex(@"`([A-Z]\w*_\w+_\w+)`")]
    private static partial Regex TestName();
}
