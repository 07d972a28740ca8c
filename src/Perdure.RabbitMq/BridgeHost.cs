using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Perdure.Diagnostics;

namespace Perdure.RabbitMq;

/// <summary>The bridges to one broker.</summary>
internal sealed class BridgeSet(RabbitMqOptions options)
{
    public string Name => options.Name;

    public IReadOnlyList<OutBridge> Out { get; } = [.. options.Outs.Select(o => new OutBridge(options, o))];

    public IReadOnlyList<InBridge> In { get; } = [.. options.Ins.Select(i => new InBridge(options, i))];

    public IEnumerable<Bridge> All => [.. Out, .. In];
}

/// <summary>Starts bridges after the engine. When the host stops, what comes in ends before the engine does, and what goes out after it: attempts that are under way can still end well.</summary>
internal sealed class BridgeHost(BridgeSet bridges, PerdureClient perdure, ILoggerFactory loggers, TimeProvider time) : IHostedLifecycleService, IAsyncDisposable
{
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (!perdure.Events.HasTypes)
        {
            throw new PerdureException(ErrorCodes.BadBridge, $"bridge {bridges.Name}: there are no events to bridge: add them with AddEvent.");
        }

        ILogger log = loggers.CreateLogger("Perdure.RabbitMq");
        foreach (Bridge bridge in bridges.All)
        {
            bridge.Start(perdure, log, time);
        }

        return Task.CompletedTask;
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.WhenAll(bridges.In.Select(b => b.StopAsync()));

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.WhenAll(bridges.Out.Select(b => b.StopAsync()));

    /// <summary>A start that was broken off, or a host that is only disposed.</summary>
    public async ValueTask DisposeAsync() => await Task.WhenAll(bridges.All.Select(b => b.StopAsync()));
}
