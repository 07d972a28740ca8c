using Fulfilment.Shipment;
using Perdure;

namespace Fulfilment.Choreography;

/// <summary>Shipment's part: it ships what was fetched, and says that the order is complete, since nobody comes after it.</summary>
public sealed class ShipWhenFetched(ShipmentService shipment)
{
    public static void Register(PerdureBuilder perdure, string subscription)
    {
        perdure.Services.AddTransient<ShipWhenFetched>();
        perdure.AddSubscription(subscription, s => s.Publishes<GoodsShipped>().Publishes<GoodsNotShipped>().Publishes<OrderCompleted>())
            .Subscribe<GoodsFetched>(subscription, (e, job) => job.Get<ShipWhenFetched>().On(e, job));
    }

    private Task On(GoodsFetched fetched, JobContext job)
    {
        try
        {
            job.Publish(new GoodsShipped(fetched.Order, shipment.Ship(fetched.Order.Id, fetched.Order.Id, fetched.Order.Recipient.Address)));
            job.Publish(new OrderCompleted(fetched.Order));
        }
        catch (RejectedException no)
        {
            job.Publish(new GoodsNotShipped(fetched.Order, no.Reason));
        }

        return Task.CompletedTask;
    }
}
