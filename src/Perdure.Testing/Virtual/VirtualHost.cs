using Microsoft.Extensions.DependencyInjection;
using Perdure.Engine;
using Perdure.Hosting;

namespace Perdure.Testing.Virtual;

/// <summary>An engine with services of its own, in a place of a world: what a process with the engine in it is to the real one.</summary>
internal sealed class VirtualHost
{
    private readonly ServiceProvider _services;

    /// <summary>Makes the engine; <see cref="StartAsync"/> starts it.</summary>
    /// <param name="place">Where it runs.</param>
    /// <param name="configure">Chooses the store and the flows, as an application does.</param>
    /// <param name="services">Adds the application's services.</param>
    /// <param name="machineTime">By which turns that hold their thread are found; the place's own time by default, so that none are.</param>
    public VirtualHost(Place place, Action<PerdureBuilder> configure, Action<IServiceCollection>? services = null, TimeProvider? machineTime = null)
    {
        Place = place;
        var collection = new ServiceCollection();
        collection.AddLogging();
        collection.AddSingleton<TimeProvider>(place.Time);
        collection.AddSingleton<Seams>(new VirtualSeams(place, machineTime ?? place.Time));
        services?.Invoke(collection);
        collection.AddPerdure(configure);
        _services = collection.BuildServiceProvider();
    }

    public Place Place { get; }

    public IServiceProvider Services => _services;

    public PerdureClient Perdure => _services.GetRequiredService<PerdureClient>();

    public Node Node => _services.GetRequiredService<NodeHolder>().Node;

    /// <summary>Starts the engine. In the world, at its place.</summary>
    public Task StartAsync() => _services.GetRequiredService<PerdureHost>().StartingAsync(CancellationToken.None);

    /// <summary>Stops the engine, which gives its shards back. In the world, at its place.</summary>
    public async Task StopAsync()
    {
        await _services.GetRequiredService<PerdureHost>().StoppedAsync(CancellationToken.None);
        await _services.DisposeAsync();
    }
}
