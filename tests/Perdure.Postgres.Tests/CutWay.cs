using System.Net.Sockets;

namespace Perdure.Postgres.Tests;

/// <summary>A way to the server that cuts connections after some bytes: anywhere, in the middle of a statement or of its answer.</summary>
internal sealed class CutWay(int port, int seed) : Way(port)
{
    private readonly Random _random = new(seed);
    private int _cuts;

    /// <summary>After how many bytes at most, of either direction, a connection is cut; null for never.</summary>
    public int? BytesMax { get; set; }

    public int Cuts => Volatile.Read(ref _cuts);

    protected override async Task CopyAsync(NetworkStream from, NetworkStream to, bool isToServer, CancellationToken stop)
    {
        byte[] buffer = new byte[8_192];
        long carried = 0;
        int? cutAt = null;
        while (await from.ReadAsync(buffer, stop) is > 0 and int read)
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
            await to.WriteAsync(buffer.AsMemory(0, Math.Max(0, goes)), stop);
            if (goes < read)
            {
                Interlocked.Increment(ref _cuts);
                return;
            }
        }
    }
}
