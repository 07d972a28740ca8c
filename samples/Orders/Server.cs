using Orders.Services;
using Perdure;

namespace Orders;

/// <summary>Takes orders over HTTP.</summary>
public static class Server
{
    internal static async Task<int> RunAsync(CommandLine line)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(["--urls", line.Urls]);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Services.AddSingleton<INetwork>(new FaultyNetwork(line.Faults)).AddSingleton(new CreateOrderOptions { Limit = line.Limit }).AddOrders(line.DataFolder);
        builder.Services.AddHealthChecks().AddCheck<PerdureHealthCheck>("perdure");
        builder.Services.ConfigureHttpJsonOptions(http => OrderFile.Configure(http.SerializerOptions));
        WebApplication app = builder.Build();
        app.MapOrders();
        await app.RunAsync();
        return 0;
    }

    public static void MapOrders(this IEndpointRouteBuilder app)
    {
        app.MapHealthChecks("/health");

        app.MapPost("/orders", async (Order order, IFlowClient<CreateOrder> createOrder) =>
        {
            if (order.Problem() is { } problem)
            {
                return Results.Problem(problem, statusCode: StatusCodes.Status400BadRequest);
            }

            try
            {
                FlowHandle<OrderOutcome> run = await createOrder.StartAsync(order, id: order.Id);   // the same id again is the same run
                return Results.Accepted($"/orders/{run.Id}", new { run.Id });
            }
            catch (FlowConflictException e)
            {
                return Results.Problem(e.Message, statusCode: StatusCodes.Status409Conflict);
            }
        });

        app.MapGet("/orders/{id}", async (string id, IFlowClient<CreateOrder> createOrder, OrderService orders) =>
        {
            try
            {
                return Results.Ok(new { State = await orders.StateAsync(id), Run = await createOrder.Get(id).DescribeAsync() });
            }
            catch (FlowNotFoundException e)
            {
                return Results.Problem(e.Message, statusCode: StatusCodes.Status404NotFound);
            }
        });

        app.MapGet("/orders", (PerdureClient perdure, IFlowClient<CreateOrder> createOrder, FlowStatus? status, int? limit)
            => perdure.ListAsync(new FlowFilter { Type = createOrder.Name, Statuses = status is { } one ? [one] : null, Limit = limit ?? 100 }));

        app.MapPost("/orders/{id}/cancel", async (string id, OrderService orders, IFlowClient<CancelOrder> cancelOrder) =>
        {
            try
            {
                await orders.BeginCancelAsync(id);      // the order's own state says no while Create Order is at work on it
            }
            catch (CancelRefusedException no)
            {
                return Results.Problem(no.Message, statusCode: StatusCodes.Status409Conflict);
            }

            await cancelOrder.StartAsync(id, id: id);
            return Results.Accepted($"/orders/{id}");
        });
    }
}
