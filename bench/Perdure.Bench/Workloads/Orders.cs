namespace Perdure.Bench.Workloads;

internal sealed record Order(string OrderId, decimal Amount);

internal sealed record OrderOutcome(string OrderId, string Status);

/// <summary>What each service answers.</summary>
internal sealed record Answer(bool Ok, string Id);

/// <summary>Local functions in the place of services: they cost nothing, so that what is measured is the engine.</summary>
internal static class OrderServices
{
    public static Order OrderOf(int number) => new($"order-{number}", 42);

    public static Task<Answer> CreateTicketAsync(Order order) => Task.FromResult(new Answer(true, $"ticket-{order.OrderId}"));

    public static Task<Answer> AuthorizeCardAsync(Order order) => Task.FromResult(new Answer(true, $"authorization-{order.OrderId}"));

    public static Task<Answer> ApproveOrderAsync(Order order) => Task.FromResult(new Answer(true, $"approval-{order.OrderId}"));

    public static Task<Answer> RefuseOrderAsync(Order order) => throw new RejectedException($"{order.OrderId} is refused");

    public static Task RejectTicketAsync(string id) => id.Length > 0 ? Task.CompletedTask : throw new ArgumentException("no ticket", nameof(id));

    public static Task ReverseAuthorizationAsync(string id) => id.Length > 0 ? Task.CompletedTask : throw new ArgumentException("no authorization", nameof(id));

    public static void Check(OrderOutcome outcome, int number, string status)
    {
        if (outcome != new OrderOutcome($"order-{number}", status))
        {
            throw new InvalidOperationException($"order-{number} should be {status}, but the flow returned {outcome}");
        }
    }
}
