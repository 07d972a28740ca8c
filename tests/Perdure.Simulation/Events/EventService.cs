using System.Globalization;
using Perdure.Engine;
using Perdure.Simulation.Jobs;
using Perdure.Simulation.Processes;
using Perdure.Simulation.Seen;
using Perdure.Testing.Virtual;

namespace Perdure.Simulation.Events;

/// <summary>What the handlers of all processes do with events: they publish more, fail in every way, or both. It writes down each call.</summary>
internal sealed class EventService(World world, Observed observed)
{
    private readonly HandlerFaults _faults = new(new ReplayRandom(ReplayRandom.Mix(world.Seed ^ 0xE7_5E4)));
    private readonly Dictionary<string, Tock> _saidOutside = new(StringComparer.Ordinal);
    private int _numbers;

    /// <summary>Whether handlers do what they are asked.</summary>
    public bool IsCalm
    {
        get => _faults.IsCalm;
        set => _faults.IsCalm = value;
    }

    private ReplayRandom Chance => _faults.Chance;

    /// <summary>A number that no other event has.</summary>
    public int NextNumber() => ++_numbers;

    /// <summary>Hears of an event, and publishes some with it, or beside it.</summary>
    public async Task<NoResult> HearAsync(Process process, IMarked @event, JobContext context)
    {
        await CallAsync(process, @event.N, context, _faults.Any(), async call =>
        {
            for (int i = @event is Tick { Hops: > 0 } ? Chance.Next(3) : 0; i > 0; i--)
            {
                Publish(call, context, AnyEvents.Of(Chance, NextNumber(), ((Tick)@event).Hops - 1));
            }

            if (Chance.Next(12) == 0)
            {
                await PublishOutsideAsync(process, call, context);
            }
        });
        return default;
    }

    /// <summary>Starts a flow on an event.</summary>
    public async Task<NoResult> StartAsync(Process process, IMarked @event, string flow, JobContext context)
    {
        await CallAsync(process, @event.N, context, _faults.Any(), _ =>
        {
            context.Start(flow, id: null);
            return Task.CompletedTask;
        });
        return default;
    }

    /// <summary>Does a job, publishes with it, and enqueues the next one.</summary>
    public async Task<string> DoAsync(Process process, Chore job, JobContext context)
    {
        HandlerFault fault = _faults.Any();
        await CallAsync(process, job.N, context, fault, call =>
        {
            for (int i = Chance.Next(3); i > 0; i--)
            {
                Publish(call, context, AnyEvents.Of(Chance, NextNumber(), 0));
            }

            if (job.Hops > 0)
            {
                var next = new Chore(NextNumber(), job.Hops - 1);
                call.Enqueued.Add(next.N);
                context.Enqueue(next);
            }

            return Task.CompletedTask;
        });
        return $"{job.N}{(fault == HandlerFault.Poison ? Stores.ModelStore.Poison : "")}";
    }

    /// <summary>Does what a service must do in the end: what fails, passes.</summary>
    public async Task<NoResult> ServeAsync(Process process, int n, JobContext context, Func<HeardCall, Task> serve)
    {
        HandlerFault fault = _faults.Any();
        await CallAsync(process, n, context, fault is HandlerFault.Rejects or HandlerFault.Permanent ? HandlerFault.Transient : fault, serve);
        return default;
    }

    public static void Publish(HeardCall call, JobContext context, IMarked @event)
    {
        call.Published.Add(@event.N);
        context.Publish<object>(@event);
    }

    /// <summary>Publishes as any client does, though it belongs to the handler's business transaction: under an id, so that it comes once for all attempts.</summary>
    private async Task PublishOutsideAsync(Process process, HeardCall call, JobContext context)
    {
        if (!_saidOutside.TryGetValue(context.IdempotencyKey, out Tock? tock))
        {
            _saidOutside.Add(context.IdempotencyKey, tock = new Tock(NextNumber(), "outside"));
        }

        call.PublishedBeside.Add(tock.N);
        await process.Client.PublishAsync(tock, new PublishOptions { Id = context.IdempotencyKey, Source = "/handlers" });
    }

    /// <summary>One call of a handler: what it does may come before what goes wrong, or after.</summary>
    private async Task CallAsync(Process process, int n, JobContext context, HandlerFault fault, Func<HeardCall, Task> act)
    {
        HeardCall call = Begin(process, n, context);
        world.Trace.Note($"{process.Name} hears {call} attempt {context.Attempt} {fault}", n);
        try
        {
            bool actsFirst = Chance.Next(2) == 0;
            if (actsFirst)
            {
                await act(call);
            }

            await _faults.PlayAsync(process, fault, context);
            if (!actsFirst)
            {
                await act(call);
            }

            call.End = EffectEnd.Succeeded;
        }
        catch (Exception e)
        {
            call.End = HandlerFaults.EndOf(e);
            throw;
        }
        finally
        {
            call.EndOrder = observed.Next();
            world.Trace.Note($"{process.Name} heard {call} attempt {context.Attempt}: {call.End} {string.Join(' ', call.Published)}", n);
        }
    }

    private HeardCall Begin(Process process, int n, JobContext context)
    {
        long number = long.Parse(context.Id.AsSpan(context.Id.LastIndexOf('-') + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        EventInfo? about = context.Event;
        var call = new HeardCall(observed.Next(), process.Name, number, context.Queue, context.Attempt, n)
        {
            Topic = about?.Topic,
            Position = about?.Position ?? 0,
            Type = about?.Type,
            Key = context.Key,
            Correlation = context.CorrelationId,
        };
        observed.Events.Heard.Add(call);
        return call;
    }
}
