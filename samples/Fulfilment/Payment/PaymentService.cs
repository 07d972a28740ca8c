using Fulfilment.Participants;
using Perdure;

namespace Fulfilment.Payment;

/// <summary>What Payment hears, and who does it.</summary>
public sealed class PaymentService(PerdureClient perdure)
{
    private const string Name = "payment";

    public static void Register(PerdureBuilder perdure, FulfilmentOptions options)
    {
        perdure.Services.AddSingleton<CustomerCredit>().AddSingleton<CardProvider>().AddSingleton<Collecting>().AddTransient<PaymentService>();
        perdure.AddQueue(Name, queue =>
        {
            queue.InOrder = true;       // a cancel comes after what it cancels
            queue.Retry = options.Patient;
        });
        perdure.AddFlow<RefundPayment>();
        switch (options.Style)
        {
            case Style.Orchestrated:
                perdure.AddSubscription(Name, s => s.Publishes<PaymentCancelledEvent>())
                    .AddFlow<RetrievePayment>(Declare).StartOn<RetrievePaymentCommand, RetrievePayment>(subscription: Name)
                    .Subscribe<CancelPaymentCommand>(Name, (command, job) => job.Get<PaymentService>().CancelAsync(command, job))
                    .StartOn<RefundPaymentCommand, RefundPayment>(subscription: Name);
                break;
            case Style.Queues:
                perdure.AddFlowHandler<DoRetrievePayment>(Name)
                    .AddQueue("refunds", queue => queue.Retry = options.Patient)
                    .AddHandler<RefundPaymentCommand>("refunds", (command, job) => job.Get<PaymentService>().RefundAsync(command, job));
                break;
            case Style.Choreographed:
                Choreography.PayForOrder.Register(perdure, Name);
                break;
        }
    }

    private static void Declare(FlowOptions flow) => flow
        .Publishes<PaymentReceivedEvent>().Publishes<PaymentFailedEvent>().Publishes<CustomerCreditUsedEvent>().Publishes<CreditCardChargedEvent>()
        .Publishes<NewCardWantedEvent>().Awaits<CreditCardUpdatedEvent>();

    /// <summary>Ends a payment that nobody waits for any more. One that was received has been answered: that reply is late, and Order answers it.</summary>
    private async Task CancelAsync(CancelPaymentCommand command, JobContext job)
    {
        FlowHandle run = perdure.Flow<RetrievePayment>().Get(command.RequestId);
        CancelAnswer answer = await run.CancelAsync("nobody waits for it any more", job);
        if (answer == CancelAnswer.Accepted || (await run.DescribeAsync(job)).Status is FlowStatus.Undoing or FlowStatus.Cancelled)   // now, or by an attempt before
        {
            job.Publish(new PaymentCancelledEvent(command.RequestId, command.RefId));
        }
    }

    private Task RefundAsync(RefundPaymentCommand command, JobContext job) => perdure.Flow<RefundPayment>().StartAsync(command, id: command.RequestId, cancellationToken: job);
}
