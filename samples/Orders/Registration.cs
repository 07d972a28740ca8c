using Microsoft.Extensions.DependencyInjection.Extensions;
using Orders.Choreography;
using Orders.Services;
using Perdure;

namespace Orders;

public static class Registration
{
    /// <summary>Adds Create Order, the services that it goes through, and what lies between. Tests use it too, after adding what they want otherwise.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="dataFolder">Where all files are kept; made if it does not exist.</param>
    /// <param name="choreography">How the services listen to each other; null if a flow leads each order through them.</param>
    public static IServiceCollection AddOrders(this IServiceCollection services, string dataFolder, ChoreographyOptions? choreography = null)
    {
        var folder = new DataFolder(Directory.CreateDirectory(dataFolder).FullName);
        services.TryAddSingleton<INetwork>(new FaultyNetwork(new FaultOptions()));
        services.TryAddSingleton(new CreateOrderOptions());
        services
            .AddSingleton(folder)
            .AddSingleton<OrderService>().AddSingleton<ConsumerService>().AddSingleton<KitchenService>().AddSingleton<AccountingService>();
        return services
            .AddPerdure(perdure => (choreography is null ? perdure.AddFlow<CreateOrder>() : perdure.AddChoreography(choreography))
                .UseSqlite(folder.File("flows"))
                .AddFlow<CancelOrder>()
                .Errors(errors => errors
                    .Reject<ConsumerRefusedException>().Reject<TicketRefusedException>().Reject<CardDeclinedException>()    // a business no
                    .Unknown<AnswerLostException>()         // was it done? TimeoutException is known to ask that, too
                    .Permanent<WrongStateException>()));    // a defect; whatever else they throw may pass, and is retried
    }
}
