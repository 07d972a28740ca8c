using System.Net;
using System.Net.Sockets;

namespace Perdure.Postgres.Tests;

/// <summary>A way to the server that cuts connections after some bytes: anywhere, in the middle of a statement or of its answer.</summary>
internal sealed class CutWay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Random _random;
    private readonly int _port;
    private readonly Task _accepting;
    private int _cuts;

    public CutWay(int port, int seed)
    {
        _port = port;
        _random = new Random(seed);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>After how many bytes at most, of either direction, a connection is cut; null for never.</summary>
    public int? BytesMax { get; set; }

    public int Cuts => Volatile.Read(ref _cuts);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

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
        using var server = new TcpClient { NoDelay = true };
        using (client)
        {
            try
            {
                client.NoDelay = true;
                await server.ConnectAsync(IPAddress.Loopback, _port, _stop.Token);
                await Task.WhenAny(CopyAsync(client.GetStream(), server.GetStream()), CopyAsync(server.GetStream(), client.GetStream()));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException)
            {
                // Cut at once.
            }
        }
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to)
    {
        byte[] buffer = new byte[8_192];
        long carried = 0;
        int? cutAt = null;
        try
        {
            while (await from.ReadAsync(buffer, _stop.Token) is > 0 and int read)
            {
                if (BytesMax is { } max && cutAt is null)
                {
                    lock (_random)
                    {
                        cutAt = _random.Next(1, max);
                    }

                    carried = 0;
                }

                int goes = cutAt is { } at && BytesMax is not null && carried + read >= at ? (int)(at - carried) : read;
                carried += read;
                await to.WriteAsync(buffer.AsMemory(0, Math.Max(0, goes)), _stop.Token);
                if (goes < read)
                {
                    Interlocked.Increment(ref _cuts);
                    return;
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The other direction was cut.
        }
    }
}
