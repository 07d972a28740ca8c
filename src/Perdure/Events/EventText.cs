using System.Buffers.Binary;
using Perdure.Diagnostics;
using Perdure.Engine;

namespace Perdure.Events;

/// <summary>Ids, keys and sources of events. Positions have no gaps, so a text that the store would refuse must not come so far.</summary>
internal static class EventText
{
    /// <summary>A cause may be the ask of a flow, whose name is a type and an id.</summary>
    private const int CauseLengthMax = 1_000;

    public static string Check(string text)
    {
        FlowNames.CheckId(text);
        return CheckWhole(text);
    }

    /// <summary>What another system says of an event's cause.</summary>
    public static string CheckCause(string text)
        => text.Length <= CauseLengthMax && text.AsSpan().IndexOfAnyInRange('\0', '\u001f') < 0
            ? CheckWhole(text)
            : throw new PerdureException(ErrorCodes.BadName, $"an event's cause has 1 to {CauseLengthMax:N0} characters and no control characters.");

    private static string CheckWhole(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                throw new PerdureException(ErrorCodes.BadName, "an event's id, key, source, cause and correlation id are whole characters: this text has half of one.");
            }
        }

        return text;
    }

    /// <summary>A unique id that comes after those made before, so that indexes grow at their end: a UUID of version 7 (RFC 9562).</summary>
    public static string NewId(Guid random, DateTimeOffset now)
    {
        Span<byte> bytes = stackalloc byte[16];
        random.TryWriteBytes(bytes, bigEndian: true, out _);
        long milliseconds = now.ToUnixTimeMilliseconds();
        BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)(milliseconds >> 16));
        BinaryPrimitives.WriteUInt16BigEndian(bytes[4..], (ushort)milliseconds);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x70);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true).ToString();
    }
}
