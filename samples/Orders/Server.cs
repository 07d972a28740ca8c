using Orders.Choreography;
using Orders.Services;
using Perdure;

namespace Orders;

/// <summary>Takes orders over HTTP.</summary>
public static class Server
{
    internal static async Task<int> RunAsync(CommandLine line)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(["--urls", line.Urls]);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning)
            .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);      // why the start failed is said by Program, in one line
        builder.Services.AddSingleton<INetwork>(new FaultyNetwork(line.Faults)).AddSingleton(new CreateOrderOptions { Limit = line.Limit });
        builder.Services.AddOrders(line.DataFolder, line.Choreography, line.Postgres);
        builder.Services.AddHealthChecks().AddCheck<PerdureHealthCheck>("perdure");
        builder.Services.ConfigureHttpJsonOptions(http => OrderFile.Configure(http.SerializerOptions));
        builder.Services.AddProblemDetails();
        builder.Services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);     // so that the answer says what is wrong
        WebApplication app = builder.Build();
        app.UseStatusCodePages();
        app.Use(AnswerBadRequestsAsync);
        app.MapHealthChecks("/health");
        if (line.Choreography is null)
        {
            app.MapOrders();
        }
        else
        {
            app.MapPlacedOrders();
        }

        await app.RunAsync();
        return 0;
    }

    public static void MapOrders(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder http = app.MapGroup("/orders").AddEndpointFilter(AnswerErrorsAsync);

        http.MapPost("/", async (Order order, IFlowClient<CreateOrder> createOrder) =>
        {
            if (order.Problem() is { } problem)
            {
                return Results.Problem(problem, statusCode: StatusCodes.Status400BadRequest);
            }

            FlowHandle<OrderOutcome> run = await createOrder.StartAsync(order, id: order.Id);   // durable; the same id again is the same run
            return Results.Accepted(LinkTo(run.Id), new { run.Id, Link = LinkTo(run.Id) });
        });

        http.MapGet("/{id}", async (string id, IFlowClient<CreateOrder> createOrder, OrderService orders)
            => new { State = await orders.StateAsync(id), Run = await createOrder.Get(id).DescribeAsync() });

        http.MapGet("/", (PerdureClient perdure, IFlowClient<CreateOrder> createOrder, FlowStatus? status, int? limit)
            => perdure.ListAsync(new FlowFilter { Type = createOrder.Name, Statuses = status is { } one ? [one] : null, Limit = limit ?? 100 }));

        http.MapPost("/{id}/cancel", async (string id, OrderService orders, IFlowClient<CreateOrder> createOrder, IFlowClient<CancelOrder> cancelOrder) =>
        {
            await createOrder.Get(id).DescribeAsync();      // 404 if nobody ever ordered it
            return await CancelAsync(id, orders, cancelOrder);
        });

        // For the person who has repaired what kept an order's run stuck.
        http.MapPost("/{id}/retry", async (string id, IFlowClient<CreateOrder> createOrder) =>
        {
            await createOrder.Get(id).RetryAsync();
            return Results.Accepted(LinkTo(id));
        });
    }

    internal static async Task<IResult> CancelAsync(string id, OrderService orders, IFlowClient<CancelOrder> cancelOrder)
    {
        await orders.BeginCancelAsync(id);      // the order's own state says no while Create Order is at work on it
        await cancelOrder.StartAsync(id, id: id);
        return Results.Accepted(LinkTo(id));
    }

    internal static string LinkTo(string id) => $"/orders/{Uri.EscapeDataString(id)}";

    private static async Task AnswerBadRequestsAsync(HttpContext http, RequestDelegate next)
    {
        try
        {
            await next(http);
        }
        catch (BadHttpRequestException e)
        {
            await Results.Problem(e.InnerException?.Message ?? e.Message, statusCode: e.StatusCode).ExecuteAsync(http);
        }
    }

    internal static async ValueTask<object?> AnswerErrorsAsync(EndpointFilterInvocationContext call, EndpointFilterDelegate next)
    {
        try
        {
            return await next(call);
        }
        catch (FlowNotFoundException e)
        {
            return Results.Problem(e.Message, statusCode: StatusCodes.Status404NotFound);
        }
        catch (StoreUnavailableException e)
        {
            return Results.Problem(e.Message, statusCode: StatusCodes.Status503ServiceUnavailable);
        }
        catch (Exception e) when (e is PerdureException or CancelRefusedException or OrderTakenException)
        {
            return Results.Problem(e.Message, statusCode: StatusCodes.Status409Conflict);
        }
    }
}
