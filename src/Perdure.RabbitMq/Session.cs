using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace Perdure.RabbitMq;

/// <summary>A connection with its channels: it ends when one of them does.</summary>
#pragma warning disable CA1001 // A late event of the connection may still cancel its token source, which has no timer.
internal sealed class Session
#pragma warning restore CA1001
{
    private readonly CancellationTokenSource _ended = new();
    private readonly IConnection _connection;

    public Session(IConnection connection)
    {
        _connection = connection;
        connection.ConnectionShutdownAsync += OnShutdownAsync;
    }

    /// <summary>Is cancelled when the session has ended.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>Why it ended; null while it has not, and where the bridge stops.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Opens a channel.</summary>
    /// <param name="confirms">Whether a publication completes when the broker has confirmed it.</param>
    public async Task<IChannel> OpenChannelAsync(bool confirms)
    {
        IChannel channel = await _connection.CreateChannelAsync(new CreateChannelOptions(confirms, confirms, outstandingPublisherConfirmationsRateLimiter: null), Ended);
        channel.ChannelShutdownAsync += OnShutdownAsync;
        return channel;
    }

    public void End(Exception? failure)
    {
        lock (_ended)
        {
            if (_ended.IsCancellationRequested)
            {
                return;
            }

            Failure = failure;
        }

        _ = _ended.CancelAsync(); // not here: this may be the connection's own loop, which whoever hears of the end then waits for
    }

    private Task OnShutdownAsync(object sender, ShutdownEventArgs reason)
    {
        End(new OperationInterruptedException(reason));
        return Task.CompletedTask;
    }
}
