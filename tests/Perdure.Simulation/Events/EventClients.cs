using System.Globalization;
using System.Text.Json;
using Perdure.Engine;
using Perdure.Simulation.Jobs;
using Perdure.Simulation.Orders;
using Perdure.Simulation.Plans;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Events;

/// <summary>Those who publish events, with ids and without, once more and with other content; who want chores; and who place orders.</summary>
internal sealed class EventClients(JobCaller caller, EventWork work, ReplayRandom chance)
{
    private static readonly string[] Sources = ["/", "/shop", "https://elsewhere.example/a b"];

    private readonly List<(string Source, string Id, IMarked Event)> _published = [];
    private int _ids;
    private int _orders;

    /// <summary>What one client does within some time.</summary>
    public async Task WorkAsync(TimeSpan within)
    {
        List<Task> all = [];
        int count = chance.Next(3, 14);
        for (int i = 0; i < count; i++)
        {
            await caller.PauseAsync(chance.Next(3) == 0 ? 10 : 2 * (int)within.TotalMilliseconds / count);
            all.Add(DoOneAsync());
        }

        await Task.WhenAll(all);
    }

    private Task DoOneAsync() => chance.Next(16) switch
    {
        0 or 1 or 2 => PublishManyAsync(),
        3 or 4 or 5 => PublishUnderIdAsync(),
        6 or 7 => PublishAgainAsync(),
        8 or 9 => PublishCloudEventAsync(),
        10 => ChoreAsync(),
        11 or 12 => OrderAsync(),
        _ => PublishAsync(),
    };

    /// <summary>Publishes an event without an id: if nobody answers, nobody knows whether it came.</summary>
    private Task PublishAsync()
    {
        IMarked @event = Any();
        return CallAsync(new JobCall(0, "", JobVerb.Publish, "") { Ids = [@event.N] }, async client => [await client.PublishAsync<object>(@event)]);
    }

    private Task PublishManyAsync()
    {
        List<IMarked> events = [.. Enumerable.Range(0, chance.Next(2, 6)).Select(_ => Any())];
        return CallAsync(new JobCall(0, "", JobVerb.Publish, "") { Ids = [.. events.Select(e => e.N)] }, client => client.PublishManyAsync(events));
    }

    private Task PublishUnderIdAsync() => PublishAsync(Sources[chance.Next(Sources.Length)], $"id{++_ids}", Any());

    /// <summary>Publishes something once more, or something else under its id.</summary>
    private Task PublishAgainAsync()
    {
        if (_published.Count == 0)
        {
            return PublishUnderIdAsync();
        }

        (string source, string id, IMarked there) = _published[chance.Next(_published.Count)];
        return PublishAsync(source, id, chance.Next(3) == 0 ? new Tick(work.Service.NextNumber(), "other", 0) : there);
    }

    private async Task PublishAsync(string source, string id, IMarked @event)
    {
        string? correlation = chance.Next(4) == 0 ? $"t{chance.Next(3)}" : null;
        _published.Add((source, id, @event));
        await UntilAnsweredAsync(new JobCall(0, "", JobVerb.Publish, "") { Ids = [@event.N], PublishId = (source, id), Correlation = correlation },
            async client => [await client.PublishAsync<object>(@event, new PublishOptions { Id = id, Source = source, CorrelationId = correlation })]);
    }

    private async Task PublishCloudEventAsync()
    {
        string id = $"id{++_ids}";
        string? correlation = chance.Next(2) == 0 ? $"t{chance.Next(3)}" : null;
        var tick = new Tick(work.Service.NextNumber(), $"k{chance.Next(EventPlan.KeysMax)}", chance.Next(3));
        Dictionary<string, object?> json = new()
        {
            ["specversion"] = "1.0",
            ["id"] = id,
            ["source"] = Sources[2],
            ["type"] = "tick",
            ["subject"] = chance.Next(2) == 0 ? tick.Key : null,
            ["correlationid"] = correlation,
            ["madeby"] = "the simulator",
            ["data"] = new Dictionary<string, object> { ["n"] = tick.N, ["key"] = tick.Key, ["hops"] = tick.Hops },
        };
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(json);
        await UntilAnsweredAsync(new JobCall(0, "", JobVerb.Publish, "") { Ids = [tick.N], PublishId = (Sources[2], id), Correlation = correlation }, async client => [await client.PublishCloudEventAsync(bytes)]);
    }

    private Task ChoreAsync()
    {
        var chore = new Chore(work.Service.NextNumber(), chance.Next(3));
        return caller.CallAsync(new JobCall(0, "", JobVerb.Enqueue, EventPlan.Chores) { Ids = [chore.N] }, (process, _) => process.Client.EnqueueAsync(chore));
    }

    /// <summary>Places an order, and lets a flow lead its twin.</summary>
    private async Task OrderAsync()
    {
        string order = string.Create(CultureInfo.InvariantCulture, $"o{++_orders}");
        Task led = LeadAsync(order);
        JobCall call;
        do
        {
            var place = new PlaceOrder(work.Service.NextNumber(), order);
            call = await caller.CallAsync(new JobCall(0, "", JobVerb.Enqueue, OrderPlan.Order) { Ids = [place.N] }, (process, _) => process.Client.EnqueueAsync(place, new JobOptions { Queue = OrderPlan.Order, Key = order, DedupKey = order }));
        }
        while (!call.IsDone && await caller.AgainAsync());
        await led;
    }

    private async Task LeadAsync(string order)
    {
        JobCall call;
        do
        {
            call = await caller.CallAsync(new JobCall(0, "", JobVerb.Result, PlanTypes.Leading), (process, _) => process.Client.Flow<PlanInput, string>(PlanTypes.Leading).RunAsync(new PlanInput(0, 0), order, new StartOptions { WhenExists = WhenExists.JoinIfSame }));
        }
        while (!call.IsDone && await caller.AgainAsync());
    }

    private async Task UntilAnsweredAsync(JobCall draft, Func<PerdureClient, Task<IReadOnlyList<PublishedEvent>>> publish)
    {
        while (JobCaller.IsUnanswered(await CallAsync(draft, publish)) && await caller.AgainAsync())
        {
        }
    }

    private Task<JobCall> CallAsync(JobCall draft, Func<PerdureClient, Task<IReadOnlyList<PublishedEvent>>> publish)
        => caller.CallAsync(draft, async (process, call) => call.Published = await publish(process.Client), published => string.Join(' ', published.Select(p => $"{p.Topic}/{p.Position}{(p.IsDuplicate ? " again" : "")}")));

    private IMarked Any() => AnyEvents.Of(chance, work.Service.NextNumber(), chance.Next(3));
}
