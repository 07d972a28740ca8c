#if !PLANTED
using System.Diagnostics;

namespace Perdure.Simulation.PlantedBugs;

/// <summary>A copy of the sources, with all planted bugs in it, each behind its switch.</summary>
internal sealed class PlantedCopy : IDisposable
{
    private static readonly string[] Copied = ["src/Perdure", "src/Perdure.Testing", "tests/Perdure.Simulation", "tests/Shared"];
    private static readonly string[] Settings = ["Perdure.slnx", "Directory.Build.props", "Directory.Packages.props", "global.json", "src/Directory.Build.props", "tests/Directory.Build.props"];

    private readonly string _folder = Directory.CreateTempSubdirectory("perdure-planted-").FullName;

    public PlantedCopy(string root, IEnumerable<PlantedBugText> bugs)
    {
        foreach (string file in Copied.SelectMany(f => Sources(root, f)).Concat(Settings))
        {
            string copy = Path.Combine(_folder, file);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(Path.Combine(root, file), copy);
        }

        File.Copy(Path.Combine(root, "tests/Perdure.Simulation/PlantedBugs/PlantedBug.cs.txt"), Path.Combine(_folder, "src/Perdure/PlantedBug.cs"));
        foreach (SourceEdit edit in bugs.SelectMany(b => b.Edits))
        {
            Apply(Path.Combine(_folder, edit.File), edit);
        }
    }

    public string Project => Path.Combine(_folder, "tests/Perdure.Simulation/Perdure.Simulation.csproj");

    /// <summary>Runs dotnet in the copy.</summary>
    /// <returns>Its exit code and all that it said.</returns>
    public async Task<(int Code, string Output)> DotnetAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = _folder, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        foreach (string inherited in start.Environment.Keys.Where(k => k.StartsWith("PERDURE_", StringComparison.Ordinal) || k.StartsWith("VSTEST", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(inherited);
        }

        using var dotnet = Process.Start(start)!;
        Task<string> errors = dotnet.StandardError.ReadToEndAsync();
        string output = await dotnet.StandardOutput.ReadToEndAsync();
        await dotnet.WaitForExitAsync();
        return (dotnet.ExitCode, output + await errors);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static IEnumerable<string> Sources(string root, string folder)
        => Directory.EnumerateFiles(Path.Combine(root, folder), "*", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(root, f))
            .Where(f => !f.Split(Path.DirectorySeparatorChar).Any(p => p is "bin" or "obj"));

    private static void Apply(string file, SourceEdit edit)
    {
        string text = File.ReadAllText(file);
        int first = text.IndexOf(edit.Find, StringComparison.Ordinal);
        if (first < 0 || text.IndexOf(edit.Find, first + 1, StringComparison.Ordinal) >= 0)
        {
            throw new InvalidOperationException($"the text of a planted bug must stand in {edit.File} once, and does not any more: bring planted-bugs.txt up to date: {edit.Find}");
        }

        File.WriteAllText(file, string.Concat(text.AsSpan(0, first), edit.Put, text.AsSpan(first + edit.Find.Length)));
    }
}
#endif
