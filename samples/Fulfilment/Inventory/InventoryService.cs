using Fulfilment.Participants;
using Perdure;

namespace Fulfilment.Inventory;

/// <summary>What Inventory hears and does. It needs no flow: a pick is one thing, done or taken back.</summary>
public sealed class InventoryService(Books books)
{
    private const string Name = "inventory";
    private const string Picks = "pick";

    public static void Register(PerdureBuilder perdure, FulfilmentOptions options)
    {
        perdure.Services.AddTransient<InventoryService>();
        perdure.AddQueue(Name, queue =>
        {
            queue.InOrder = true;
            queue.Retry = options.Patient;
        });
        switch (options.Style)
        {
            case Style.Orchestrated:
                perdure.AddSubscription(Name, s => s.Publishes<GoodsFetchedEvent>().Publishes<GoodsNotFetchedEvent>())
                    .Subscribe<FetchGoodsCommand>(Name, (command, job) => job.Get<InventoryService>().AnswerAsync(command, job))
                    .Subscribe<PutBackGoodsCommand>(Name, (command, job) => job.Get<InventoryService>().PutBack(command.RequestId));
                break;
            case Style.Queues:
                perdure.AddHandler<FetchGoodsCommand, GoodsFetchedEvent>(Name, (command, job) => Task.FromResult(job.Get<InventoryService>().Fetch(command)))
                    .AddHandler<PutBackGoodsCommand>(Name, (command, job) => job.Get<InventoryService>().PutBack(command.RequestId));
                break;
            case Style.Choreographed:
                Choreography.FetchWhenPaid.Register(perdure, Name);
                break;
        }
    }

    /// <summary>Fetches goods from the shelf; the same request again is the same pick.</summary>
    /// <exception cref="RejectedException">There is no such article.</exception>
    public string Fetch(string request, string orderId, IReadOnlyList<Item> items)
    {
        Item? unknown = items.FirstOrDefault(item => item.Article == "unicorn");
        return unknown is null ? $"pick-{books.Inventory.Do(Picks, request, orderId).Key}" : throw new RejectedException($"there is no {unknown.Article}");
    }

    public Task PutBack(string request)
    {
        books.Inventory.TakeBack(Picks, request);
        return Task.CompletedTask;
    }

    private Task AnswerAsync(FetchGoodsCommand command, JobContext job)
    {
        try
        {
            job.Publish(Fetch(command));
        }
        catch (RejectedException no)
        {
            job.Publish(new GoodsNotFetchedEvent(command.RequestId, command.RefId, no.Reason));
        }

        return Task.CompletedTask;
    }

    private GoodsFetchedEvent Fetch(FetchGoodsCommand command) => new(command.RequestId, command.RefId, Fetch(command.RequestId, command.RefId, command.Items));
}
