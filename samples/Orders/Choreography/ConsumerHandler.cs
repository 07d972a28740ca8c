using Orders.Services;
using Perdure;

namespace Orders.Choreography;

/// <summary>Consumer's part: it says yes or no to each new order.</summary>
public sealed class ConsumerHandler(ConsumerService consumers)
{
    public const string Subscription = "consumer";

    public static PerdureBuilder Register(PerdureBuilder perdure) => perdure
        .Subscribe<OrderCreated>(Subscription, (e, job) => job.Get<ConsumerHandler>().OnAsync(e, job));

    public async Task OnAsync(OrderCreated created, JobContext job)
    {
        try
        {
            await consumers.ValidateAsync(created.Order, job);
            job.Publish(new ConsumerVerified(created.OrderId, created.Order.Consumer));
        }
        catch (ConsumerRefusedException no)
        {
            job.Publish(new ConsumerVerificationFailed(created.OrderId, no.Message));
        }
    }
}
