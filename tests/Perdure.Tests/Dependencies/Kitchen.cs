using Microsoft.Extensions.DependencyInjection;
using Perdure.Engine;
using Perdure.Hosting;
using Perdure.Testing;

namespace Perdure.Tests.Dependencies;

/// <summary>A service that is dead until a time, takes a while for each order, and remembers who came when.</summary>
internal sealed class Kitchen(TimeProvider time)
{
    private readonly Lock _door = new();
    private int _inside;

    public DateTimeOffset DeadUntil { get; set; }

    public TimeSpan Takes { get; set; } = TimeSpan.FromMilliseconds(10);

    public List<DateTimeOffset> Attempts { get; } = [];

    /// <summary>How many were at work at once at most.</summary>
    public int Most { get; private set; }

    public async Task<int> CookAsync(int order)
    {
        lock (_door)
        {
            Attempts.Add(time.GetUtcNow());
            Most = Math.Max(Most, ++_inside);
        }

        try
        {
            await Task.Delay(Takes, time);
            return time.GetUtcNow() < DeadUntil ? throw new IOException("the kitchen is dead") : order;
        }
        finally
        {
            lock (_door)
            {
                _inside--;
            }
        }
    }

    public async Task TakeBackAsync(int order) => await CookAsync(order);

    public async Task<string> PlateAsync(int order) => $"plate {await CookAsync(order)}";

    public async Task<string?> FindAsync(int order) => await PlateAsync(order);

    public static Task<int> RefuseAsync(int order) => throw new RejectedException($"no {order} today");
}

/// <summary>Starts tests of flows before a kitchen.</summary>
internal static class Kitchens
{
    public static Task<FlowTest> StartAsync(Action<DependencyOptions> options, Func<int, FlowContext, Task<int>>? flow = null, List<string>? log = null)
        => FlowTest.StartAsync(services =>
        {
            services.AddSingleton<Kitchen>();
            services.AddPerdure(p => p.UseMemory()
                .AddDependency<Kitchen>("kitchen", options)
                .AddFlow("order", flow ?? ((order, f) => f.Step((Kitchen k) => k.CookAsync(order)))));
        }, new FlowTestOptions { ReplaysEveryInput = false, Log = log is null ? null : log.Add });

    public static Kitchen Kitchen(this FlowTest test) => test.Services.GetRequiredService<Kitchen>();

    public static Node Node(this FlowTest test) => test.Services.GetRequiredService<NodeHolder>().Node;

    public static async Task<List<FlowHandle<int>>> OrderAsync(this FlowTest test, int count, int first = 0)
        => [.. await Task.WhenAll(Enumerable.Range(first, count).Select(i => test.Perdure.Flow<int, int>("order").StartAsync(i, $"{i}")))];

    /// <summary>Starts so many orders that the breaker opens, and waits until it has.</summary>
    public static async Task<List<FlowHandle<int>>> OpenBreakerAsync(this FlowTest test, int count)
    {
        test.Kitchen().DeadUntil = DateTimeOffset.MaxValue;
        List<FlowHandle<int>> orders = await test.OrderAsync(count);
        await test.AdvanceAsync(TimeSpan.FromSeconds(1));
        test.Node().Dependencies.Open.ShouldBe(["kitchen"]);
        return orders;
    }
}
