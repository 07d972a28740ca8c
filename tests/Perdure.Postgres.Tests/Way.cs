using System.Net;
using System.Net.Sockets;

namespace Perdure.Postgres.Tests;

/// <summary>A way to the server that tests disturb.</summary>
internal abstract class Way : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly int _port;
    private readonly Task _accepting;

    protected Way(int port)
    {
        _port = port;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    /// <summary>Carries one direction of a connection until it ends. The connection is over when either direction is.</summary>
    protected abstract Task CopyAsync(NetworkStream from, NetworkStream to, bool isToServer, CancellationToken stop);

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
                _ = CarryAsync(client);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task CarryAsync(TcpClient client)
    {
        CancellationToken stop = _stop.Token;
        using var server = new TcpClient { NoDelay = true };
        using (client)
        {
            try
            {
                client.NoDelay = true;
                await server.ConnectAsync(IPAddress.Loopback, _port, stop);
                await Task.WhenAny(TryCopyAsync(client, server, isToServer: true, stop), TryCopyAsync(server, client, isToServer: false, stop));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
                // Cut at once.
            }
        }
    }

    private async Task TryCopyAsync(TcpClient from, TcpClient to, bool isToServer, CancellationToken stop)
    {
        try
        {
            await CopyAsync(from.GetStream(), to.GetStream(), isToServer, stop);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // The other direction was cut.
        }
    }
}
