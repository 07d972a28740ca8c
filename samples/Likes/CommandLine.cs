namespace Likes;

/// <summary>What the user asked for.</summary>
internal sealed record CommandLine
{
    public const string Help = """
        Serves a page of posts that can be liked, whatever their database does.

          dotnet run --project samples/Likes -- [options]

          --data FOLDER          where posts and jobs keep their files; likes-data by default
          --urls URL             where to listen; http://localhost:5000 by default
        """;

    public string DataFolder { get; init; } = "likes-data";

    public string Urls { get; init; } = "http://localhost:5000";

    /// <exception cref="UsageException">An option is unknown, or has no value.</exception>
    public static CommandLine Parse(IReadOnlyList<string> args)
    {
        var line = new CommandLine();
        var rest = new Queue<string>(args);
        while (rest.TryDequeue(out string? arg))
        {
            line = arg switch
            {
                "--data" => line with { DataFolder = Value() },
                "--urls" => line with { Urls = Value() },
                _ => throw new UsageException($"there is no option {arg}"),
            };

            string Value() => rest.TryDequeue(out string? value) && value is not ['-', '-', ..] ? value : throw new UsageException($"{arg} needs a value");
        }

        return line;
    }
}

/// <summary>The user asked for something that there is not; the message is for them.</summary>
internal sealed class UsageException(string message) : Exception(message);
