using Fulfilment.Participants;
using Perdure;

namespace Fulfilment.Shipment;

/// <summary>What Shipment hears and does.</summary>
public sealed class ShipmentService(Books books)
{
    private const string Name = "shipment";
    private const string Parcels = "parcel";

    public static void Register(PerdureBuilder perdure, FulfilmentOptions options)
    {
        perdure.Services.AddTransient<ShipmentService>();
        perdure.AddQueue(Name, queue =>
        {
            queue.InOrder = true;
            queue.Retry = options.Patient;
        });
        switch (options.Style)
        {
            case Style.Orchestrated:
                perdure.AddSubscription(Name, s => s.Publishes<GoodsShippedEvent>().Publishes<GoodsNotShippedEvent>())
                    .Subscribe<ShipGoodsCommand>(Name, (command, job) => job.Get<ShipmentService>().AnswerAsync(command, job))
                    .Subscribe<RecallShipmentCommand>(Name, (command, job) => job.Get<ShipmentService>().Recall(command.RequestId));
                break;
            case Style.Queues:
                perdure.AddHandler<ShipGoodsCommand, GoodsShippedEvent>(Name, (command, job) => Task.FromResult(job.Get<ShipmentService>().Ship(command)))
                    .AddHandler<RecallShipmentCommand>(Name, (command, job) => job.Get<ShipmentService>().Recall(command.RequestId));
                break;
            case Style.Choreographed:
                Choreography.ShipWhenFetched.Register(perdure, Name);
                break;
        }
    }

    /// <summary>Hands a parcel to the carrier; the same request again is the same parcel.</summary>
    /// <exception cref="RejectedException">Nobody can be found there.</exception>
    public string Ship(string request, string orderId, string address)
        => address != "nowhere" ? $"parcel-{books.Shipment.Do(Parcels, request, orderId, note: address).Key}" : throw new RejectedException("there is no such address");

    public Task Recall(string request)
    {
        books.Shipment.TakeBack(Parcels, request);
        return Task.CompletedTask;
    }

    private Task AnswerAsync(ShipGoodsCommand command, JobContext job)
    {
        try
        {
            job.Publish(Ship(command));
        }
        catch (RejectedException no)
        {
            job.Publish(new GoodsNotShippedEvent(command.RequestId, command.RefId, no.Reason));
        }

        return Task.CompletedTask;
    }

    private GoodsShippedEvent Ship(ShipGoodsCommand command) => new(command.RequestId, command.RefId, Ship(command.RequestId, command.RefId, command.RecipientAddress));
}
