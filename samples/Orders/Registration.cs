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
    /// <param name="postgres">The PostgreSQL database where flows are kept; null for a file.</param>
    public static IServiceCollection AddOrders(this IServiceCollection services, string dataFolder, ChoreographyOptions? choreography = null, string? postgres = null)
    {
        var folder = new DataFolder(Directory.CreateDirectory(dataFolder).FullName);
        services.TryAddSingleton<INetwork>(new FaultyNetwork(new FaultOptions()));
        services.TryAddSingleton(new CreateOrderOptions());
        services
            .AddSingleton(folder)
            .AddSingleton<OrderService>().AddSingleton<ConsumerService>().AddSingleton<KitchenService>().AddSingleton<AccountingService>();
        return services
            .AddPerdure(perdure => (choreography is null ? perdure.AddFlow<CreateOrder>() : perdure.AddChoreography(choreography))
                .KeepIn(folder, postgres, choreography is null ? "orders" : "orders_choreography")
                .AddFlow<CancelOrder>()
                .Errors(errors => errors
                    .Reject<ConsumerRefusedException>().Reject<TicketRefusedException>().Reject<CardDeclinedException>()    // a business no
                    .Unknown<AnswerLostException>()         // was it done? TimeoutException is known to ask that, too
                    .Permanent<WrongStateException>()));    // a defect; whatever else they throw may pass, and is retried
    }

    private static PerdureBuilder KeepIn(this PerdureBuilder perdure, DataFolder folder, string? postgres, string schema)
        => postgres is null ? perdure.UseSqlite(folder.File("flows")) : perdure.UsePostgres(postgres, options => options.Schema = schema);
}
