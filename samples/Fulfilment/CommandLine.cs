using System.Globalization;
using System.Net;

namespace Fulfilment;

/// <summary>What the user asked for.</summary>
internal sealed record CommandLine
{
    public const string Help = """
        Takes orders from the checkout to the carrier. Kill it whenever you like, and start it again: it goes on.

          dotnet run --project samples/Fulfilment -- [options]

          --style STYLE          orchestrated: a flow sends commands, and waits for the replies (the default);
                                 choreographed: each service hears of the events of the one before it;
                                 queues: as orchestrated, with a job for each command
          --orders N             how many orders are placed; 100 by default
          --data FOLDER          where flows and services keep their files; fulfilment-data-STYLE by default

        Each service as a process of its own, orchestrated or choreographed; with N orders the checkout ends when they have:
          --service NAME         checkout, order (where it leads), payment, inventory or shipment
          --amqp URI             the RabbitMQ broker between them; amqp://localhost by default

        How long each wait may take, as a duration of ISO 8601:
          --payment-limit D      until an order is paid; P20D by default
          --goods-limit D        until its goods are fetched; PT12H by default
          --shipment-limit D     until they are shipped; PT24H by default
          --card-limit D         until a customer has a new card; P7D by default
          --undo-limit D         until all is undone that was done for orders that were cancelled, when the others have
                                 ended: then come the audit and the end; PT1M by default

        Payment's endpoint, once for each rung of the ladder:
          --serve                PUT /payments/v1 to v7, and POST /provider {"slowSeconds": 5, "isDown": true, "expiredPercent": 20}
          --urls URL             where to listen; http://localhost:5000 by default

        Ends with 0 if all is well; 1 if it cannot go on, or the audit finds something; 2 if it was asked for what there is not; 130 if it was stopped.
        """;

    public FulfilmentOptions Options { get; init; } = new() { CustomersAnswer = true };

    public int Orders { get; init; } = 100;

    public string DataFolder { get => field ?? $"fulfilment-data-{Options.Style.ToString().ToLowerInvariant()}"; init; }

    public bool IsServer { get; init; }

    public string Urls { get => field ?? "http://localhost:5000"; init; }

    public bool IsHelp { get; init; }

    /// <summary>How long the audit waits for those who undo.</summary>
    public TimeSpan UndoLimit { get; init; } = TimeSpan.FromMinutes(1);

    private Uri? Amqp { get; init; }

    /// <exception cref="UsageException">An option is unknown, or its value is.</exception>
    public static CommandLine Parse(IReadOnlyList<string> args)
    {
        var line = new CommandLine();
        var rest = new Queue<string>(args);
        while (rest.TryDequeue(out string? arg))
        {
            line = line.With(arg, rest);
        }

        bool isService = line.Options.Here != Services.All;
        return line switch
        {
            { IsHelp: true } => line,
            { IsServer: true } when isService => throw new UsageException("--serve is not for --service: it is Payment alone, and has no other services"),
            { Options.Style: Style.Queues } when isService => throw new UsageException("--service is not for --style queues: a queue and those who fill it share a store"),
            { Options: { Style: Style.Choreographed, Here: Services.Order } } => throw new UsageException("--service order is not for --style choreographed: nobody leads there"),
            { Amqp: not null } when !isService => throw new UsageException("--amqp is for --service: what is in one process needs no broker"),
            _ when isService => line with { Options = line.Options with { Amqp = line.Amqp ?? new Uri("amqp://localhost") } },
            _ => line,
        };
    }

    /// <summary>Makes the folder for the files where there is none.</summary>
    /// <exception cref="UsageException">There can be none.</exception>
    public void MakeDataFolder()
    {
        try
        {
            Directory.CreateDirectory(DataFolder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UsageException($"--data needs a folder that can be made: {e.Message}");
        }
    }

    private CommandLine With(string arg, Queue<string> rest)
    {
        FulfilmentLimits limits = Options.Limits;
        return arg switch
        {
            "--help" or "-h" or "-?" => this with { IsHelp = true },
            "--style" => this with { Options = Options with { Style = OneOf(Enum.GetValues<Style>()) } },
            "--service" => this with { Options = Options with { Here = OneOf([.. Enum.GetValues<Services>().Except([Services.None, Services.All])]) } },
            "--orders" => this with { Orders = Read(text => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture), "a number") },
            "--data" => this with { DataFolder = Value() },
            "--amqp" => this with { Amqp = Read(Broker, "an address, such as amqp://localhost") },
            "--payment-limit" => WithLimits(limits with { Payment = Limit() }),
            "--goods-limit" => WithLimits(limits with { Goods = Limit() }),
            "--shipment-limit" => WithLimits(limits with { Shipment = Limit() }),
            "--card-limit" => WithLimits(limits with { NewCard = Limit() }),
            "--undo-limit" => this with { UndoLimit = Limit() },
            "--serve" => this with { IsServer = true },
            "--urls" => this with { Urls = Read(Listening, "an address to listen at, such as http://localhost:5000") },
            _ => throw new UsageException($"there is no option {arg}"),
        };

        string Value() => rest.TryDequeue(out string? value) && value is not ("" or ['-', '-', ..]) ? value : throw new UsageException($"{arg} needs a value");

        T Read<T>(Func<string, T> parse, string what)
        {
            try
            {
                return parse(Value());
            }
            catch (Exception e) when (e is FormatException or OverflowException)
            {
                throw new UsageException($"{arg} needs {what}");
            }
        }

        T OneOf<T>(T[] words)
            where T : struct, Enum
        {
            string value = Value();
            int found = Array.FindIndex(words, word => word.ToString().Equals(value, StringComparison.OrdinalIgnoreCase));
            return found >= 0 ? words[found] : throw new UsageException($"{arg} is one of {string.Join(", ", words).ToLowerInvariant()}");
        }

        TimeSpan Limit() => Read(FulfilmentLimits.Parse, "a duration of ISO 8601, such as P7D for seven days or PT12H for twelve hours");

        CommandLine WithLimits(FulfilmentLimits changed) => this with { Options = Options with { Limits = changed } };
    }

    private static Uri Broker(string text) => new Uri(text) is { Scheme: "amqp" or "amqps" } uri ? uri : throw new FormatException();

    private static string Listening(string text) => BindingAddress.Parse(text) is { Scheme: "http", Port: <= IPEndPoint.MaxPort } ? text : throw new FormatException();
}

/// <summary>The user asked for something that there is not; the message is for them.</summary>
internal sealed class UsageException(string message) : Exception(message);
