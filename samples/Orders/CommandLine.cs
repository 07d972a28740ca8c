using System.Globalization;
using Orders.Choreography;
using Orders.Services;

namespace Orders;

/// <summary>What the user asked for.</summary>
internal sealed record CommandLine
{
    public const string Help = """
        Takes each order of a file through Create Order. Kill it whenever you like, and start it again: it goes on.

          dotnet run --project samples/Orders -- [file] [options]

          file                   one order a line, as in samples/Orders/orders.jsonl, which is the default
          --style STYLE          orchestration: a flow leads each order through the services (the default);
                                 choreography: the services listen to each other's events
          --sequential           in a choreography, Kitchen waits for Consumer instead of working beside it
          --data FOLDER          where flows and services keep their files; orders-data by default,
                                 and orders-data-choreography
          --postgres CONNECTION  flows are kept in this PostgreSQL database (Host=…;Database=…), in the schema orders or
                                 orders_choreography; services keep their files
          --together N           how many orders are under way at once; 64 by default
          --limit SECONDS        how long it may take until a card is charged; 900 by default

          --serve                take orders over HTTP instead
          --urls URL             where to listen; http://localhost:5000 by default

        What goes wrong, as a share of all calls from 0 to 1:
          --slow-rate RATE       the call is slow; 0.25 by default
          --fail-rate RATE       the service is unavailable; 0.05 by default
          --timeout-rate RATE    there is no answer in time, and the call may arrive later; 0.02 by default
          --lost-rate RATE       the work is done, and the answer is lost; 0.03 by default
          --seed N               the same seed, the same faults; 1 by default
        """;

    public string File { get; init; } = Path.Combine(AppContext.BaseDirectory, "orders.jsonl");

    public string DataFolder { get => field ?? (IsChoreography ? "orders-data-choreography" : "orders-data"); init; }

    /// <summary>The database where flows are kept; null for a file.</summary>
    public string? Postgres { get; init; }

    public bool IsChoreography { get; init; }

    public bool IsSequential { get; init; }

    /// <summary>How the services listen to each other; null if a flow leads.</summary>
    public ChoreographyOptions? Choreography => IsChoreography ? new ChoreographyOptions { Limit = Limit, IsSequential = IsSequential } : null;

    public int Together { get; init; } = 64;

    public TimeSpan Limit { get; init; } = new CreateOrderOptions().Limit;

    public bool IsServer { get; init; }

    public string Urls { get; init; } = "http://localhost:5000";

    public bool IsHelp { get; init; }

    public FaultOptions Faults { get; init; } = new();

    /// <exception cref="UsageException">An option is unknown, or its value is.</exception>
    public static CommandLine Parse(IReadOnlyList<string> args)
    {
        var line = new CommandLine();
        var rest = new Queue<string>(args);
        while (rest.TryDequeue(out string? arg))
        {
            line = arg switch
            {
                "--help" or "-h" or "-?" => line with { IsHelp = true },
                "--serve" => line with { IsServer = true },
                "--style" => line with { IsChoreography = OneOf("orchestration", "choreography") == 1 },
                "--sequential" => line with { IsSequential = true },
                "--data" => line with { DataFolder = Value() },
                "--postgres" => line with { Postgres = Value() },
                "--urls" => line with { Urls = Value() },
                "--together" => line with { Together = (int)Number(1, 10_000) },
                "--limit" => line with { Limit = TimeSpan.FromSeconds(Number(0.001, 86_400)) },
                "--slow-rate" => line with { Faults = line.Faults with { SlowRate = Number(0, 1) } },
                "--fail-rate" => line with { Faults = line.Faults with { FailRate = Number(0, 1) } },
                "--timeout-rate" => line with { Faults = line.Faults with { TimeoutRate = Number(0, 1) } },
                "--lost-rate" => line with { Faults = line.Faults with { LostRate = Number(0, 1) } },
                "--seed" => line with { Faults = line.Faults with { Seed = (int)Number(int.MinValue, int.MaxValue) } },
                ['-', ..] => throw new UsageException($"there is no option {arg}"),
                _ => line with { File = arg },
            };

            string Value() => rest.TryDequeue(out string? value) && value is not ['-', '-', ..] ? value : throw new UsageException($"{arg} needs a value");

            int OneOf(params string[] words)
                => Array.IndexOf(words, Value()) is >= 0 and var word ? word : throw new UsageException($"{arg} is one of {string.Join(", ", words)}");

            double Number(double min, double max)
                => double.TryParse(Value(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number >= min && number <= max
                    ? number : throw new UsageException($"{arg} needs a number from {min} to {max}");
        }

        if (line is { IsSequential: true, IsChoreography: false })
        {
            throw new UsageException("--sequential is for --style choreography: the orchestration is sequential already");
        }

        return line.Faults.FailRate + line.Faults.TimeoutRate + line.Faults.LostRate < 1
            ? line : throw new UsageException("--fail-rate, --timeout-rate and --lost-rate must be less than 1 together, or no call would ever succeed");
    }
}

/// <summary>The user asked for something that there is not; the message is for them.</summary>
internal sealed class UsageException(string message) : Exception(message);
