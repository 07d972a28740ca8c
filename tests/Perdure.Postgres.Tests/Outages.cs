using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;

namespace Perdure.Postgres.Tests;

/// <summary>What a node's log says of the store's outages.</summary>
internal static partial class Outages
{
    private const int CodeLength = 7;

    /// <summary>Reads the outages that are over: the codes of each, in the order in which they were said.</summary>
    /// <param name="log">The node's log.</param>
    /// <param name="isOpen">Whether one is not over yet.</param>
    public static List<string> Read(IReadOnlyList<string> log, out bool isOpen)
    {
        List<string> outages = [];
        HashSet<string> said = [];
        foreach (string line in log)
        {
            if (Began().Match(line) is { Success: true } began)
            {
                said.Add(began.Groups[1].Value + began.Groups[2].Value).ShouldBeTrue($"it was said before: {line}");
            }
            else if (Ended().Match(line) is { Success: true } ended)
            {
                said.ShouldNotBeEmpty($"nothing had begun: {line}");
                int.Parse(ended.Groups[1].Value, CultureInfo.InvariantCulture).ShouldBeGreaterThanOrEqualTo(said.Count);
                outages.Add(string.Join(' ', said.Select(reason => reason[..CodeLength]).Distinct()));
                said.Clear();
            }
        }

        isOpen = said.Count > 0;
        return outages;
    }

    [GeneratedRegex(@"^fail: Perdure\[13\] The store does not do what is asked of it since \S+, and is asked again until it does: (PRD\d{4}): .*?(\(\w{5}\))?\s*$")]
    private static partial Regex Began();

    [GeneratedRegex(@"^info: Perdure\[62\] The store does what is asked of it again, after \S+, in which (\d+) tries failed")]
    private static partial Regex Ended();
}

/// <summary>The log of the node in the test's process, as the consoles of the others show theirs.</summary>
internal sealed class OwnLog : ILoggerProvider
{
    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyList<string> Lines => [.. _lines];

    public ILogger CreateLogger(string categoryName) => new Category(_lines, categoryName);

    public void Dispose()
    {
        // Nothing to give back.
    }

    private sealed class Category(ConcurrentQueue<string> lines, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
            => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            string level = logLevel switch { LogLevel.Information => "info", LogLevel.Warning => "warn", _ => "fail" };
            lines.Enqueue($"{level}: {name}[{eventId.Id}] {formatter(state, exception)} {exception}");
        }
    }
}
