using Fulfilment.Inventory;
using Perdure;

namespace Fulfilment.Choreography;

/// <summary>Inventory's part: it fetches goods when somebody has paid, since it was told that payment comes first.</summary>
public sealed class FetchWhenPaid(InventoryService inventory)
{
    public static void Register(PerdureBuilder perdure, string subscription)
    {
        perdure.Services.AddTransient<FetchWhenPaid>();
        perdure.AddSubscription(subscription, s => s.Publishes<GoodsFetched>().Publishes<GoodsNotFetched>())
            .Subscribe<PaymentReceived>(subscription, (e, job) => job.Get<FetchWhenPaid>().On(e, job))
            .Subscribe<GoodsNotShipped>(subscription, (e, job) => job.Get<InventoryService>().PutBack(e.Order.Id));
    }

    private Task On(PaymentReceived paid, JobContext job)
    {
        try
        {
            job.Publish(new GoodsFetched(paid.Order, inventory.Fetch(paid.Order.Id, paid.Order.Id, paid.Order.Items)));
        }
        catch (RejectedException no)
        {
            job.Publish(new GoodsNotFetched(paid.Order, no.Reason));
        }

        return Task.CompletedTask;
    }
}
