using System.Globalization;

namespace Perdure.Testing.Virtual;

/// <summary>The course of events in a world: a hash of all that ran, and the lines of it for who wants to read them.</summary>
internal sealed class Trace
{
    private const ulong Prime = 1099511628211;

    private World? _world;

    /// <summary>Two worlds with the same hash went the same way (FNV-1a over the numbers of what ran and when).</summary>
    public ulong Hash { get; private set; } = 14695981039346656037;

    /// <summary>Takes the lines; null if nobody reads them.</summary>
    public Action<string>? Line { get; private set; }

    public void ReadBy(World world, Action<string> line)
    {
        _world = world;
        Line = line;
    }

    /// <summary>Adds an event to the course of events.</summary>
    public void Note(string what, long about = 0)
    {
        Add((ulong)about);
        Line?.Invoke(string.Create(CultureInfo.InvariantCulture, $"{TimeSpan.FromTicks(_world!.Ticks):c} {what} {about}"));
    }

    internal void Ran(in Work work)
    {
        Add((ulong)work.Number);
        Add((ulong)work.Place.Number);
    }

    internal void Fired(VirtualTimer timer, long due)
    {
        Add((ulong)due);
        Add((ulong)timer.Place.Number);
    }

    private void Add(ulong value) => Hash = (Hash ^ value) * Prime;
}
