using System.Collections.Concurrent;
using Fulfilment.Participants;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Perdure;

namespace Fulfilment.Tests.Processes;

/// <summary>One service with a file of its own and nothing but a broker between it and the others, in the test's process: so a test can ask it for what nobody says over the broker.</summary>
internal sealed class ServiceHost : IAsyncDisposable
{
    private readonly ConcurrentDictionary<(Type Message, string Order), TaskCompletionSource> _heard = new();
    private readonly IHost _host;

    private ServiceHost(FulfilmentOptions options, string folder, Books books)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(books).AddFulfilment(folder, options with { Heard = (_, message) => Heard(message.GetType(), message.RefId).TrySetResult() });
        _host = builder.Build();
    }

    public PerdureClient Perdure => Service<PerdureClient>();

    public static async Task<ServiceHost> StartAsync(FulfilmentOptions options, string folder, Books books)
    {
        var service = new ServiceHost(options, folder, books);
        await service._host.StartAsync();
        return service;
    }

    /// <summary>Completes when a message about an order has come.</summary>
    public Task HearsAsync<TMessage>(Order order)
        where TMessage : IMessage
        => Deadline.For(Heard(typeof(TMessage), order.Id).Task, $"{Service<FulfilmentOptions>().Here} hears {typeof(TMessage).Name} {order.Id}");

    public T Service<T>()
        where T : notnull
        => _host.Services.GetRequiredService<T>();

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }

    private TaskCompletionSource Heard(Type message, string order) => _heard.GetOrAdd((message, order), _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
}
