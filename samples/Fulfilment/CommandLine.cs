using System.Globalization;

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
          --service NAME         checkout, order, payment, inventory or shipment
          --amqp URI             the RabbitMQ broker between them; amqp://localhost by default

        How long each wait may take, as a duration of ISO 8601:
          --payment-limit D      until an order is paid; P20D by default
          --goods-limit D        until its goods are fetched; PT12H by default
          --shipment-limit D     until they are shipped; PT24H by default
          --card-limit D         until a customer has a new card; P7D by default

        Payment's endpoint, once for each rung of the ladder:
          --serve                PUT /payments/v1 to v7, and POST /provider {"slowSeconds": 5, "isDown": true}
          --urls URL             where to listen; http://localhost:5000 by default
        """;

    public FulfilmentOptions Options { get; init; } = new() { CustomersAnswer = true };

    public int Orders { get; init; } = 100;

    public string DataFolder { get => field ?? $"fulfilment-data-{Options.Style.ToString().ToLowerInvariant()}"; init; }

    public bool IsServer { get; init; }

    public string Urls { get; init; } = "http://localhost:5000";

    public bool IsHelp { get; init; }

    /// <exception cref="UsageException">An option is unknown, or its value is.</exception>
    public static CommandLine Parse(IReadOnlyList<string> args)
    {
        var line = new CommandLine();
        Uri amqp = new("amqp://localhost");
        var rest = new Queue<string>(args);
        while (rest.TryDequeue(out string? arg))
        {
            FulfilmentLimits limits = line.Options.Limits;
            line = arg switch
            {
                "--help" or "-h" or "-?" => line with { IsHelp = true },
                "--style" => line with { Options = line.Options with { Style = OneOf<Style>() } },
                "--orders" => line with { Orders = int.TryParse(Value(), CultureInfo.InvariantCulture, out int count) && count is >= 0 and <= 1_000_000 ? count : throw new UsageException("--orders needs a number from 0 to 1000000") },
                "--data" => line with { DataFolder = Value() },
                "--service" => line with { Options = line.Options with { Here = OneOf(Services.None, Services.All) } },
                "--amqp" => Uri.TryCreate(Value(), UriKind.Absolute, out Uri? uri) ? WithBroker(uri) : throw new UsageException("--amqp needs an address, such as amqp://localhost"),
                "--payment-limit" => WithLimits(limits with { Payment = Limit() }),
                "--goods-limit" => WithLimits(limits with { Goods = Limit() }),
                "--shipment-limit" => WithLimits(limits with { Shipment = Limit() }),
                "--card-limit" => WithLimits(limits with { NewCard = Limit() }),
                "--serve" => line with { IsServer = true },
                "--urls" => line with { Urls = Value() },
                _ => throw new UsageException($"there is no option {arg}"),
            };

            string Value() => rest.TryDequeue(out string? value) && value is not ['-', '-', ..] ? value : throw new UsageException($"{arg} needs a value");

            T OneOf<T>(params T[] without)
                where T : struct, Enum
            {
                T[] words = [.. Enum.GetValues<T>().Except(without)];
                return words.Any(word => word.ToString().Equals(rest.TryPeek(out string? value) ? value : null, StringComparison.OrdinalIgnoreCase))
                    ? Enum.Parse<T>(Value(), ignoreCase: true)
                    : throw new UsageException($"{arg} is one of {string.Join(", ", words.Select(word => word.ToString().ToLowerInvariant()))}");
            }

            CommandLine WithLimits(FulfilmentLimits changed) => line with { Options = line.Options with { Limits = changed } };

            CommandLine WithBroker(Uri uri)
            {
                amqp = uri;
                return line;
            }

            TimeSpan Limit()
            {
                try
                {
                    return FulfilmentLimits.Parse(Value());
                }
                catch (FormatException e)
                {
                    throw new UsageException($"{arg}: {e.Message}");
                }
            }
        }

        bool isAlone = line.Options.Here != Services.All;
        if (isAlone && line.Options.Style == Style.Queues)
        {
            throw new UsageException("--service is not for --style queues: a queue and those who fill it share a store");
        }

        return isAlone ? line with { Options = line.Options with { Amqp = amqp } } : line;
    }
}

/// <summary>The user asked for something that there is not; the message is for them.</summary>
internal sealed class UsageException(string message) : Exception(message);
