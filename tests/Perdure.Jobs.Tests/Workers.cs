using Perdure.Testing;

namespace Perdure.Jobs.Tests;

/// <summary>A queue that workers outside pull from, while time moves by hand.</summary>
internal static class Workers
{
    public static Task<FlowTest> StartAsync(Action<QueueOptions>? configure = null, TestTime time = TestTime.ByHand)
        => FlowTest.StartAsync(services => services.AddPerdure(p => p
            .UseMemory()
            .AddQueue("outside", q =>
            {
                q.Concurrency = null;
                configure?.Invoke(q);
            })
            .AddJob<Request>("outside")
            .AddJob<Chore>("outside", j => j.Key = c => c.Name)), new FlowTestOptions { Time = time });

    public static QueueHandle Outside(this FlowTest test) => test.Perdure.Queue("outside");

    /// <summary>Pulls what there is now.</summary>
    public static Task<IReadOnlyList<LeasedJob>> PullAsync(this FlowTest test, int max = 1, string worker = "w1") => test.Outside().LeaseAsync(worker, max, TimeSpan.Zero);
}
