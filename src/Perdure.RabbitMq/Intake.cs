using Perdure.Diagnostics;
using Perdure.Events;
using Perdure.Storage;

namespace Perdure.RabbitMq;

/// <summary>Makes events of messages, in their order and in as few commits as can be. When it is done with them, each is durable as an event, a duplicate of one, or set aside.</summary>
internal sealed class Intake(InBridge bridge, DeadLetters letters)
{
    public async Task TakeAsync(IReadOnlyList<Delivery> deliveries, CancellationToken cancellationToken)
    {
        List<(Delivery Delivery, NewEvent Event)> wanted = [];
        HashSet<(string Source, string? Id)> ids = [];
        foreach (Delivery delivery in deliveries)
        {
            if (await ReadAsync(delivery, cancellationToken) is not { } read)
            {
                continue;
            }

            if (!ids.Add((read.Source, read.Id))) // a batch has each id once: the second is judged by what became of the first
            {
                await PublishAsync(wanted, cancellationToken);
                wanted.Clear();
                ids.Clear();
                ids.Add((read.Source, read.Id));
            }

            wanted.Add((delivery, read));
        }

        await PublishAsync(wanted, cancellationToken);
    }

    /// <summary>The event in a message; null for one that is none, and for one that went out from here.</summary>
    private async Task<NewEvent?> ReadAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        if (EventMessage.StoreOf(delivery.Properties) == bridge.Events.StoreId.ToString())
        {
            bridge.Logger.Echo(bridge.Name, delivery.Name);
            return null;
        }

        try
        {
            return bridge.Events.ReadBridged(EventMessage.Read(delivery.Properties, delivery.Body), bridge.Mark);
        }
        catch (Exception e) when (!MayPass(e))
        {
            await SetAsideAsync(delivery, e, cancellationToken); // also where the event's own code threw: its key, its converters
            return null;
        }
    }

    /// <summary>Publishes events, and tries again for as long as the store is away.</summary>
    private async Task PublishAsync(IReadOnlyList<(Delivery Delivery, NewEvent Event)> wanted, CancellationToken cancellationToken)
    {
        for (int failures = 1; wanted.Count > 0; failures++)
        {
            try
            {
                PublishedEvent[] published = await bridge.Events.PublishAsync([.. wanted.Select(w => w.Event)], cancellationToken);
                PerdureMeter.EventsBridgedIn(bridge.Name, published.Count(p => !p.IsDuplicate));
                return;
            }
            catch (PerdureException e) when (!MayPass(e))
            {
                await OneByOneAsync(wanted, e, cancellationToken);
                return;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                TimeSpan pause = bridge.PauseOf(failures);
                bridge.Logger.IntakeWaits(bridge.Name, wanted.Count, pause, e.Message);
                await bridge.PauseAsync(pause, cancellationToken);
            }
        }
    }

    /// <summary>All were refused, since one is: that one is set aside.</summary>
    private async Task OneByOneAsync(IReadOnlyList<(Delivery Delivery, NewEvent Event)> wanted, PerdureException refusal, CancellationToken cancellationToken)
    {
        if (wanted.Count == 1)
        {
            await SetAsideAsync(wanted[0].Delivery, refusal, cancellationToken);
            return;
        }

        foreach ((Delivery Delivery, NewEvent Event) one in wanted)
        {
            await PublishAsync([one], cancellationToken);
        }
    }

    private async Task SetAsideAsync(Delivery delivery, Exception why, CancellationToken cancellationToken)
    {
        string code = why is PerdureException { Code: var given } ? given : ErrorCodes.MessageSetAside;
        await letters.AddAsync(delivery, code, why.Message, cancellationToken);
        bridge.Logger.SetAside(bridge.Name, delivery.Name, letters.Name, code, why.Message);
        PerdureMeter.MessageSetAside(bridge.Name, code);
    }

    /// <summary>Whether it is the store or the host that fails, and not the message.</summary>
    private static bool MayPass(Exception e)
        => e is StoreUnavailableException or StoreException or OperationCanceledException or PerdureException { Code: ErrorCodes.NotStarted };
}
