using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Perdure.RabbitMq.Tests;

public sealed record Placed(string Order, int Number = 0);

public sealed record Paid(string Order);

/// <summary>An application with events and bridges, what its handler heard, and what its log says.</summary>
internal sealed class App : IAsyncDisposable
{
    /// <summary>After which time a test says what it misses. Nothing waits that long when all goes well.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly IHost _host;

    private App(IHost host, Notes<Placed> heard, Notes<string> log)
    {
        _host = host;
        Heard = heard;
        Log = log;
    }

    public PerdureClient Perdure => _host.Services.GetRequiredService<PerdureClient>();

    /// <summary>What the handler of <see cref="Placed"/> got, in order.</summary>
    public Notes<Placed> Heard { get; }

    public Notes<string> Log { get; }

    public static async Task<App> StartAsync(Action<PerdureBuilder> store, RabbitServer server, Action<RabbitMqOptions> bridges, Notes<Placed>? heard = null, Notes<string>? effects = null, Action<PerdureBuilder>? more = null)
    {
        heard ??= new Notes<Placed>();
        var log = new Notes<string>();
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddProvider(new NoteLog(log)).SetMinimumLevel(LogLevel.Debug);
        builder.Services.AddPerdure(p =>
        {
            store(p);
            p.AddEvent<Placed>(e => e.Order, topic: "order").AddEvent<Paid>(topic: "payment");
            p.Subscribe<Placed>("kitchen", (placed, job) =>
            {
                heard.Add(placed);
                job.Publish(new Paid($"{placed.Order}/{placed.Number}")); // the effect: once, together with the job's end
                return Task.CompletedTask;
            });
            p.Subscribe<Paid>("till", (paid, _) =>
            {
                effects?.Add(paid.Order);
                return Task.CompletedTask;
            });
            p.UseRabbitMq(r =>
            {
                r.Uri = server.Uri;
                r.ReconnectPauseMax = TimeSpan.FromMilliseconds(200);
                bridges(r);
            });
            more?.Invoke(p);
        });
        IHost host = builder.Build();
        await host.StartAsync();
        return new App(host, heard, log);
    }

    public async Task<HealthStatus> HealthAsync() => (await _host.Services.GetRequiredService<RabbitMqHealthCheck>().CheckHealthAsync(new HealthCheckContext())).Status;

    /// <summary>The events of a topic's log, in its order.</summary>
    public async Task<List<EventInfo>> EventsAsync(string topic)
    {
        List<EventInfo> events = [];
        await foreach (EventInfo e in Perdure.ListAsync(new EventFilter { Topic = topic, Limit = int.MaxValue }))
        {
            events.Add(e);
        }

        return [.. events.OrderBy(e => e.Position)];
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        await ((IAsyncDisposable)_host).DisposeAsync();
    }

    private sealed class NoteLog(Notes<string> log) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
            => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => log.Add(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}

/// <summary>Keeps what was noted, and lets tests wait for it.</summary>
internal sealed class Notes<T>
{
    private readonly Lock _lock = new();
    private readonly List<T> _all = [];
    private readonly List<(Func<IReadOnlyList<T>, bool> Enough, TaskCompletionSource Done)> _waiting = [];

    public IReadOnlyList<T> All
    {
        get
        {
            lock (_lock)
            {
                return [.. _all];
            }
        }
    }

    public void Add(T note)
    {
        lock (_lock)
        {
            _all.Add(note);
            foreach ((_, TaskCompletionSource done) in _waiting.FindAll(w => w.Enough(_all)))
            {
                done.TrySetResult();
            }
        }
    }

    /// <summary>Waits until what was noted is enough.</summary>
    public async Task UntilAsync(string what, Func<IReadOnlyList<T>, bool> enough)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (enough(_all))
            {
                return;
            }

            _waiting.Add((enough, done));
        }

        try
        {
            await done.Task.WaitAsync(App.Patience);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"Missing: {what}. There is: {string.Join(Environment.NewLine, All.TakeLast(50))}", e);
        }
    }

    public Task CountAsync(int count) => UntilAsync($"{count} notes", all => all.Count >= count);

    public Task SeenAsync(Func<T, bool> which, string what) => UntilAsync(what, all => all.Any(which));
}
