using Perdure.Engine;
using Perdure.Simulation.Orders;

namespace Perdure.Simulation.Events;

/// <summary>The events of a simulated run, what their handlers do, and the services that take orders: by choreography, and for comparison by a flow that leads.</summary>
internal sealed record EventWork(EventPlan Plan, EventService Service, OrderTown Town, OrderTown LedTown);

/// <summary>Gives each event its number, and makes events.</summary>
internal static class AnyEvents
{
    /// <summary>Keys by which flows are started.</summary>
    private const int OpenersMax = 6;

    public static IMarked Of(ReplayRandom chance, int n, int hops)
    {
        string key = $"k{chance.Next(EventPlan.KeysMax)}";
        return chance.Next(14) switch
        {
            <= 3 => new Tick(n, key, hops),
            4 or 5 => new Tock(n, key),
            6 => new Chat(n),
            <= 10 => new Ping(n, key),
            11 => new Gong(n, key),
            _ => new Opened(n, $"o{chance.Next(OpenersMax)}"),
        };
    }
}
