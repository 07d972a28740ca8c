using Microsoft.Extensions.DependencyInjection;
using Perdure.Testing;

namespace Perdure.Jobs.Tests;

/// <summary>A queue of chores and requests whose handler a test writes, and what it did.</summary>
internal sealed class Workshop : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly List<string> _log = [];

    public FlowTest Test { get; private set; } = null!;

    public PerdureClient Perdure => Test.Perdure;

    public QueueHandle Queue => Test.Perdure.Queue("work");

    /// <summary>What handlers did, in order.</summary>
    public IReadOnlyList<string> Log
    {
        get
        {
            lock (_lock)
            {
                return [.. _log];
            }
        }
    }

    public static async Task<Workshop> OpenAsync(Func<Workshop, Request, JobContext, Task<string>> handle, Action<QueueOptions>? queue = null, Action<JobContract<Request>>? contract = null, Action<PerdureBuilder>? more = null, TestTime time = TestTime.MovesByItself)
    {
        var shop = new Workshop();
        shop.Test = await FlowTest.StartAsync(services => services.AddPerdure(p =>
        {
            p.UseMemory().AddQueue("work", queue).AddJob("work", contract).AddHandler<Request, string>("work", (r, job) => handle(shop, r, job));
            more?.Invoke(p);
        }), new FlowTestOptions { Time = time });
        return shop;
    }

    public void Note(string what)
    {
        lock (_lock)
        {
            _log.Add(what);
        }
    }

    /// <summary>Works for a while, by the test's clock.</summary>
    public Task WorkAsync(TimeSpan time, CancellationToken cancellationToken) => Task.Delay(time, Test.Services.GetRequiredService<TimeProvider>(), cancellationToken);

    public ValueTask DisposeAsync() => Test.DisposeAsync();
}
