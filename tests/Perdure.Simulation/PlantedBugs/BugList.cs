using System.Globalization;
using Perdure.Shared;

namespace Perdure.Simulation.PlantedBugs;

/// <summary>One planted bug.</summary>
/// <param name="Name">By which it is switched on.</param>
/// <param name="Rule">The rule of the design that it breaks.</param>
/// <param name="What">What is wrong with it on.</param>
/// <param name="Edits">What is changed in a copy of the sources.</param>
internal sealed record PlantedBugText(string Name, string Rule, string What, IReadOnlyList<SourceEdit> Edits)
{
    /// <summary>Where to begin to search: a seed that found it when it was planted.</summary>
    public ulong From { get; init; } = 1;
}

/// <summary>A text of a file, and what to put in its place.</summary>
internal sealed record SourceEdit(string File, string Find, string Put);

/// <summary>Reads planted-bugs.txt.</summary>
internal static class BugList
{
    public static IReadOnlyList<PlantedBugText> Read()
    {
        List<PlantedBugText> bugs = [];
        var lines = new Queue<string>(File.ReadAllLines(Path.Combine(SourceTree.Root, "tests/Perdure.Simulation/PlantedBugs/planted-bugs.txt")));
        while (lines.TryDequeue(out string? line))
        {
            if (line.StartsWith("bug ", StringComparison.Ordinal))
            {
                bugs.Add(ReadBug(line[4..], lines));
            }
        }

        return bugs;
    }

    private static PlantedBugText ReadBug(string name, Queue<string> lines)
    {
        string rule = lines.Dequeue()["rule ".Length..];
        string what = lines.Dequeue()["what ".Length..];
        ulong from = lines.Peek().StartsWith("from ", StringComparison.Ordinal) ? ulong.Parse(lines.Dequeue()["from ".Length..], CultureInfo.InvariantCulture) : 1;
        List<SourceEdit> edits = [];
        while (lines.Dequeue() is var line && line != "end")
        {
            string file = line["file ".Length..];
            lines.Dequeue(); // find
            string find = ReadUntil(lines, static l => l == "put");
            lines.Dequeue();
            edits.Add(new SourceEdit(file, find, ReadUntil(lines, static l => l == "end" || l.StartsWith("file ", StringComparison.Ordinal))));
        }

        return new PlantedBugText(name, rule, what, edits) { From = from };
    }

    private static string ReadUntil(Queue<string> lines, Func<string, bool> isEnd)
    {
        List<string> text = [];
        while (!isEnd(lines.Peek()))
        {
            text.Add(lines.Dequeue());
        }

        return string.Join('\n', text);
    }
}
