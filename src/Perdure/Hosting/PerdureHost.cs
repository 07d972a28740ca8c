using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Perdure.Engine;
using Perdure.Queues;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Hosting;

/// <summary>Starts the node before the application's other services, and stops it after them.</summary>
internal sealed class PerdureHost(PerdureBuilder builder, FlowRegistry registry, QueueRegistry queues, NodeHolder holder, IServiceProvider services, TimeProvider time, ILoggerFactory loggers) : IHostedLifecycleService, IAsyncDisposable
{
    private IStore? _store;
    private Node? _node;

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        ConstructorCheck.Check(registry, builder.Services, services.GetService<IServiceProviderIsService>());
        _store = builder.Store(services);
        var json = new FlowJson(builder.Options.Json, builder.Options.PayloadBytesMax);
        var shared = new FlowServices(services, registry, json, loggers)
        {
            Queues = queues.Queues.Count > 0 || !queues.Events.IsEmpty ? queues : null,
            Dependencies = builder.Dependencies,
        };
        _node = new Node(_store, builder.Options, shared, builder.Rules, services.GetService<Seams>() ?? new SystemSeams(time), loggers.CreateLogger("Perdure"));
        await _node.StartAsync(() => holder.Current = _node, cancellationToken);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        if (_node is { } node)
        {
            _node = null;
            holder.Current = null;
            await node.StopAsync();
        }

        await CloseAsync();
    }

    /// <summary>Gives nothing back, as a process that died.</summary>
    public void Abandon()
    {
        _node = null;
        _store = null;
    }

    /// <summary>A start that was broken off, or a host that is only disposed, gives the shards back, too.</summary>
    public async ValueTask DisposeAsync() => await StoppedAsync(CancellationToken.None);

    private async Task CloseAsync()
    {
        if (_store is { } store)
        {
            _store = null;
            await store.DisposeAsync();
        }
    }
}
