using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orders.Services;
using Perdure;

namespace Orders.Tests;

/// <summary>The sample as it runs, but with a network that a test scripts.</summary>
public sealed class OrdersHost : IAsyncDisposable
{
    private readonly IHost _host;

    private OrdersHost(IHost host) => _host = host;

    public OrderService Orders => Service<OrderService>();

    public AccountingService Accounting => Service<AccountingService>();

    public PerdureClient Perdure => Service<PerdureClient>();

    public IFlowClient<CreateOrder> CreateOrder => Service<IFlowClient<CreateOrder>>();

    public IFlowClient<CancelOrder> CancelOrder => Service<IFlowClient<CancelOrder>>();

    /// <summary>Starts a host over a folder, which may be that of one that has stopped.</summary>
    public static async Task<OrdersHost> StartAsync(string folder, ScriptedNetwork network, CreateOrderOptions? options = null, TimeProvider? time = null)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<INetwork>(network).AddSingleton(options ?? new CreateOrderOptions()).AddSingleton(time ?? TimeProvider.System);
        builder.Services.AddOrders(folder);
        var host = new OrdersHost(builder.Build());
        await host._host.StartAsync();
        return host;
    }

    public Task<OrderOutcome> RunAsync(Order order) => CreateOrder.RunAsync(order, id: order.Id).WaitAsync(Deadline.Time);

    public Task<OrderOutcome> ResultAsync(Order order) => CreateOrder.Get(order.Id).ResultAsync().WaitAsync(Deadline.Time);

    public OrderFacts Facts(Order order)
    {
        using var audit = new Audit(Service<DataFolder>());
        return audit.Orders().Single(facts => facts.Id == order.Id);
    }

    public IReadOnlyList<string> Trace(Order order)
    {
        using var audit = new Audit(Service<DataFolder>());
        return audit.Trace(order.Id);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }

    private T Service<T>()
        where T : notnull
        => _host.Services.GetRequiredService<T>();
}

/// <summary>A folder that is gone after the test.</summary>
/// <param name="inMemory">Whether it is in memory, where the machine has such a place: for a test that begins with new files hundreds of times.</param>
public sealed class TestFolder(bool inMemory = false) : IDisposable
{
    private const string Memory = "/dev/shm";

    public string Path { get; } = inMemory && Directory.Exists(Memory)
        ? Directory.CreateDirectory(System.IO.Path.Combine(Memory, $"orders-{Guid.NewGuid():n}")).FullName
        : Directory.CreateTempSubdirectory("orders-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>Orders that end in a known way.</summary>
public static class Some
{
    public static Order GoodOrder { get; } = new("1", "ada.okafor", "visa-1602", "ajanta", "1 High Street", [new LineItem("Samosa", 2, 5.50m), new LineItem("Saag Paneer", 1, 11.80m)]);

    public static Order OfBlockedConsumer { get; } = GoodOrder with { Id = "2", Consumer = "rosa.rossi" };

    public static Order FromClosedRestaurant { get; } = GoodOrder with { Id = "3", Restaurant = "el-asador", Items = [new LineItem("Ribeye", 1, 24.80m)] };

    public static Order WithDeclinedCard { get; } = GoodOrder with { Id = "4", Card = "amex-1233" };

    public static Order WithDisabledAccount { get; } = GoodOrder with { Id = "5", Card = "mc-1679" };
}
