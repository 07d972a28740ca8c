using Fulfilment.Checkout;
using Fulfilment.Choreography;
using Fulfilment.Inventory;
using Fulfilment.Ordering;
using Fulfilment.Participants;
using Fulfilment.Payment;
using Fulfilment.Shipment;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Perdure;

namespace Fulfilment;

public static class Registration
{
    /// <summary>Adds the services that this process is, and what lies between them. Tests use it too, after adding what they want otherwise.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="dataFolder">Where all files are kept; made if it does not exist.</param>
    /// <param name="options">How the services work together.</param>
    /// <param name="more">What else there is.</param>
    /// <exception cref="ArgumentOutOfRangeException">A limit is not more than zero, or is more than a hundred years.</exception>
    public static IServiceCollection AddFulfilment(this IServiceCollection services, string dataFolder, FulfilmentOptions options, Action<PerdureBuilder>? more = null)
    {
        FulfilmentLimits.Check(options.Limits);
        string name = options.Here == Services.All ? "flows" : options.Here.ToString().ToLowerInvariant();
        services.TryAddSingleton(_ => new Books(dataFolder));
        services.TryAddSingleton(new ProviderFaults());
        services.AddSingleton(options).AddSingleton<Audit>();
        return services.AddPerdure(perdure =>
        {
            perdure.UseSqlite(Path.Combine(Directory.CreateDirectory(dataFolder).FullName, $"{name}.db"))
                .Errors(errors => errors
                    .Reject<CardExpiredException>()             // a business no
                    .Permanent<TakenBackException>());          // whatever else they throw may pass, and is retried
            Addresses.Register(perdure, options);
            if (options.Here.HasFlag(Services.Checkout))
            {
                Shop.Register(perdure, options);
                if (options.Style == Style.Choreographed)
                {
                    TrackFulfilment.Register(perdure);
                }
            }

            if (options.Here.HasFlag(Services.Order) && options.Style != Style.Choreographed)
            {
                perdure.Services.AddSingleton<IBus>(options.Style == Style.Queues ? new QueueBus() : new EventBus());
                options.Leader(perdure, options.Style).AddQueue("order", queue => queue.Retry = options.Patient);
                if (options.Style == Style.Orchestrated)
                {
                    AnswerLateReply.Register(perdure);
                }
            }

            if (options.Here.HasFlag(Services.Payment))
            {
                PaymentService.Register(perdure, options);
            }

            if (options.Here.HasFlag(Services.Inventory))
            {
                InventoryService.Register(perdure, options);
            }

            if (options.Here.HasFlag(Services.Shipment))
            {
                ShipmentService.Register(perdure, options);
            }

            more?.Invoke(perdure);
        });
    }
}
