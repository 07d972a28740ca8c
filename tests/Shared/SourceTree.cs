namespace Perdure.Shared;

/// <summary>Where the sources are that a test reads. A path that the compiler writes down would not do: repeatable builds shorten it.</summary>
internal static class SourceTree
{
    /// <summary>The folder of the solution that this test was built in.</summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Perdure.slnx")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} has Perdure.slnx.");
    }
}
