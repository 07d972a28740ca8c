using Microsoft.Extensions.DependencyInjection.Extensions;
using Orders.Services;
using Perdure;

namespace Orders;

public static class Registration
{
    /// <summary>Adds the flows, the services that they call, and what lies between. Tests use it too, after adding what they want otherwise.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="dataFolder">Where all files are kept; made if it does not exist.</param>
    public static IServiceCollection AddOrders(this IServiceCollection services, string dataFolder)
    {
        var folder = new DataFolder(Directory.CreateDirectory(dataFolder).FullName);
        services.TryAddSingleton<INetwork>(new FaultyNetwork(new FaultOptions()));
        services.TryAddSingleton(new CreateOrderOptions());
        return services
            .AddSingleton(folder)
            .AddSingleton<OrderService>().AddSingleton<ConsumerService>().AddSingleton<KitchenService>().AddSingleton<AccountingService>()
            .AddPerdure(perdure => perdure
                .UseSqlite(folder.File("flows"))
                .AddFlow<CreateOrder>()
                .AddFlow<CancelOrder>()
                .Errors(errors => errors
                    .Reject<ConsumerRefusedException>().Reject<TicketRefusedException>().Reject<CardDeclinedException>()    // a business no
                    .Unknown<AnswerLostException>()         // was it done? TimeoutException is known to ask that, too
                    .Permanent<WrongStateException>()));    // a defect; whatever else they throw may pass, and is retried
    }
}
