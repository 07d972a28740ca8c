using Orders.Services;
using Perdure;

namespace Orders.Choreography;

/// <summary>The same over HTTP: an order is in nobody's hands, so its state is Order's, and how far it has come is what the tracking flow heard.</summary>
public static class Routes
{
    public static void MapPlacedOrders(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder http = app.MapGroup("/orders").AddEndpointFilter(Server.AnswerErrorsAsync);

        http.MapPost("/", async (Order order, PlacedOrders placed) =>
        {
            if (order.Problem() is { } problem)
            {
                return Results.Problem(problem, statusCode: StatusCodes.Status400BadRequest);
            }

            await placed.PlaceAsync(order);     // durable; the same id again is the same order
            return Results.Accepted(Server.LinkTo(order.Id), new { order.Id, Link = Server.LinkTo(order.Id) });
        });

        http.MapGet("/{id}", async (string id, PlacedOrders placed, OrderService orders, IFlowClient<TrackOrder> trackOrder) =>
        {
            bool isOnItsWay = (await placed.OnTheirWayAsync(id)).Count > 0;     // asked first: what has arrived meanwhile has a state
            return await orders.StateAsync(id) is var state && (isOnItsWay || state is not null)
                ? Results.Ok(new { State = state, Track = await TrackOfAsync(trackOrder.Get(id)) })
                : Results.Problem($"nobody has placed order {id}", statusCode: StatusCodes.Status404NotFound);
        });

        http.MapGet("/", async (OrderService orders) => await orders.PlacedAsync());

        http.MapGet("/stuck", async (PlacedOrders placed) => await placed.StuckAsync());

        http.MapPost("/{id}/retry", async (string id, PlacedOrders placed) => Results.Accepted(Server.LinkTo(id), new { Retried = await placed.RetryAsync(id) }));

        http.MapPost("/{id}/cancel", Server.CancelAsync);
    }
    /// <summary>What is known of an order; null until somebody listens.</summary>
    private static async Task<OrderTrack?> TrackOfAsync(FlowHandle run)
    {
        try
        {
            return OrderTrack.Of(await run.DescribeAsync());
        }
        catch (FlowNotFoundException)
        {
            return null;
        }
    }
}
