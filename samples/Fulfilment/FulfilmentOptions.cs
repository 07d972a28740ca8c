using System.Xml;
using Perdure;

namespace Fulfilment;

/// <summary>How the services work together.</summary>
public enum Style
{
    /// <summary>A flow of Order's sends commands and waits for the replies, over topics.</summary>
    Orchestrated,

    /// <summary>Nobody is in the middle: each service hears of the events of the one before it.</summary>
    Choreographed,

    /// <summary>The same flow as orchestrated; each command is a job in the service's queue, and its reply the job's result.</summary>
    Queues,
}

/// <summary>The services, and sets of them.</summary>
[Flags]
public enum Services
{
    None = 0,
    Checkout = 1,
    Order = 2,
    Payment = 4,
    Inventory = 8,
    Shipment = 16,
    All = Checkout | Order | Payment | Inventory | Shipment,
}

public sealed record FulfilmentOptions
{
    public Style Style { get; init; }

    /// <summary>Which services this process is; the others are on the other side of <see cref="Amqp"/>.</summary>
    public Services Here { get; init; } = Services.All;

    /// <summary>The broker between the services; null when they are all here.</summary>
    public Uri? Amqp { get; init; }

    public FulfilmentLimits Limits { get; init; } = new();

    /// <summary>How a charge is tried again that failed for a technical reason. Nobody is asked meanwhile.</summary>
    public Retry Charge { get; init; } = Retry.Exponential(attempts: 12);

    /// <summary>How the others try again, and Payment when it gives money back: for a month and longer.</summary>
    public Retry Patient { get; init; } = Retry.Forever with { Cap = TimeSpan.FromMinutes(10), StuckAfter = 10_000 };

    /// <summary>Whether customers who are asked for a new card have one at hand; otherwise they answer when they like.</summary>
    public bool CustomersAnswer { get; init; }

    /// <summary>Is told of each message that comes to a service here.</summary>
    public Action<Services, IMessage>? Heard { get; init; }

    /// <summary>What leads orders; a test of another version of it sets it.</summary>
    internal Func<PerdureBuilder, Style, PerdureBuilder> Leader { get; init; } = Ordering.FulfilOrder.Register;
}

/// <summary>How long each wait may take.</summary>
public sealed record FulfilmentLimits
{
    /// <summary>From RetrievePaymentCommand to the reply.</summary>
    public TimeSpan Payment { get; init; } = TimeSpan.FromDays(20);

    /// <summary>From FetchGoodsCommand to the reply.</summary>
    public TimeSpan Goods { get; init; } = TimeSpan.FromHours(12);

    /// <summary>From ShipGoodsCommand to the reply.</summary>
    public TimeSpan Shipment { get; init; } = TimeSpan.FromHours(24);

    /// <summary>From the first time that a customer is asked for a new card until Payment gives up.</summary>
    public TimeSpan NewCard { get; init; } = TimeSpan.FromDays(7);

    /// <summary>How long a reply may be late, and still be answered by its undo.</summary>
    public TimeSpan LateReply { get; init; } = TimeSpan.FromDays(90);

    /// <summary>How far away the end of a wait may be; a date beyond the calendar's end would be found on day seven.</summary>
    private static readonly TimeSpan Max = TimeSpan.FromDays(100 * 365);

    /// <summary>Reads a limit as definitions and command lines have it: a duration of ISO 8601, such as P7D or PT12H.</summary>
    /// <exception cref="FormatException">It is none, is not more than zero, or is more than a hundred years: found when the program starts, not on day seven.</exception>
    public static TimeSpan Parse(string duration)
    {
        TimeSpan limit = XmlConvert.ToTimeSpan(duration);
        return limit > TimeSpan.Zero && limit <= Max ? limit : throw new FormatException($"a limit of {duration} is over before it begins, or never");
    }

    /// <exception cref="ArgumentOutOfRangeException">A limit is not more than zero, or is more than a hundred years.</exception>
    internal static void Check(FulfilmentLimits limits)
    {
        foreach (TimeSpan limit in (TimeSpan[])[limits.Payment, limits.Goods, limits.Shipment, limits.NewCard, limits.LateReply])
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit, TimeSpan.Zero, nameof(limits));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, Max, nameof(limits));
        }
    }
}
