using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Perdure.Postgres.Tests;

/// <summary>
/// A way to the server that holds back the ends of what clients ask on connections that have carried some statement: the server does it, keeps all its
/// locks, and waits for the word that would make it commit.
/// </summary>
internal sealed class HoldWay(int port, string statement) : Way(port)
{
    private readonly ConcurrentDictionary<int, bool> _held = new();
    private readonly byte[] _statement = Encoding.UTF8.GetBytes(statement);
    private volatile TaskCompletionSource? _release;

    /// <summary>The protocol's Sync: the last message of each round trip, at which the server commits.</summary>
    private static ReadOnlySpan<byte> Sync => [(byte)'S', 0, 0, 0, 4];

    /// <summary>The connections that are held back now, by their ports as the server sees them.</summary>
    public string Held => string.Join(',', _held.Keys.Append(0));

    /// <summary>From now on the server hears no end of anything.</summary>
    public void Hold() => _release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What was held back goes on.</summary>
    public void Release()
    {
        TaskCompletionSource? release = _release;
        _release = null;
        release?.SetResult();
    }

    protected override async Task CopyAsync(NetworkStream from, NetworkStream to, bool isToServer, CancellationToken stop)
    {
        byte[] buffer = new byte[8_192];
        bool isMeant = false;
        while (await from.ReadAsync(buffer, stop) is > 0 and int read)
        {
            isMeant |= isToServer && buffer.AsSpan(0, read).IndexOf(_statement) >= 0;
            if (isMeant && _release is { } release && buffer.AsSpan(0, read).EndsWith(Sync))
            {
                int goes = read - Sync.Length;
                await to.WriteAsync(buffer.AsMemory(0, goes), stop);
                _held[((IPEndPoint)to.Socket.LocalEndPoint!).Port] = true;
                await release.Task.WaitAsync(stop);
                _held.Clear();
                await to.WriteAsync(buffer.AsMemory(goes, Sync.Length), stop);
            }
            else
            {
                await to.WriteAsync(buffer.AsMemory(0, read), stop);
            }
        }
    }
}
