using System.Buffers.Binary;

namespace Perdure.Engine;

/// <summary>
/// Chance that is the same when a flow's code runs again: SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom
/// number generators", OOPSLA 2014). Its own, since the algorithm behind a seeded <see cref="System.Random"/> is not promised to stay.
/// </summary>
internal sealed class ReplayRandom(ulong seed) : Random
{
    private ulong _state = seed;

    public ulong State => _state;

    public static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    public static ulong StoreSeed(Guid storeId) => BitConverter.ToUInt64(storeId.ToByteArray());

    /// <summary>The seed of a run's chance: different in every store.</summary>
    public static ulong SeedOf(ulong storeSeed, long run) => Mix(storeSeed ^ Mix((ulong)run));

    public Guid NextGuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        NextBytes(bytes);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x40); // version 4 (RFC 9562), big-endian layout
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    public override int Next() => (int)(NextUInt64() % int.MaxValue);

    public override int Next(int maxValue) => Next(0, maxValue);

    public override int Next(int minValue, int maxValue) => (int)NextInt64(minValue, maxValue);

    public override long NextInt64() => (long)(NextUInt64() % long.MaxValue);

    public override long NextInt64(long maxValue) => NextInt64(0, maxValue);

    public override long NextInt64(long minValue, long maxValue)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minValue, maxValue);
        ulong range = (ulong)(maxValue - minValue);
        return range == 0 ? minValue : minValue + (long)Math.BigMul(NextUInt64(), range, out _);
    }

    public override double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    public override float NextSingle() => (NextUInt64() >> 40) * (1.0f / (1 << 24));

    public override void NextBytes(byte[] buffer) => NextBytes(buffer.AsSpan());

    public override void NextBytes(Span<byte> buffer)
    {
        Span<byte> word = stackalloc byte[8];
        while (!buffer.IsEmpty)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(word, NextUInt64());
            int n = Math.Min(8, buffer.Length);
            word[..n].CopyTo(buffer);
            buffer = buffer[n..];
        }
    }

    protected override double Sample() => NextDouble();

    private ulong NextUInt64() => Mix(_state += 0x9E3779B97F4A7C15);
}
