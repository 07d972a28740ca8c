using System.Collections.Concurrent;

namespace Perdure.Tests.Scheduling;

/// <summary>A year in a zone, minute by minute: what the wall shows, and which local minutes happen. The plain model that fast code is held against.</summary>
internal sealed class WallWalk
{
    private static readonly ConcurrentDictionary<(string, int), WallWalk> Walks = new();

    private readonly DateTime[] _walls;

    private WallWalk(string zone, int year)
    {
        Zone = TimeZoneInfo.FindSystemTimeZoneById(zone);
        Start = new DateTimeOffset(year, 1, 1, 0, 0, 0, TimeSpan.Zero).AddDays(-3);
        _walls = [.. Enumerable.Range(0, 372 * 24 * 60).Select(i => TimeZoneInfo.ConvertTime(Start.AddMinutes(i), Zone).DateTime)];
    }

    public TimeZoneInfo Zone { get; }

    public DateTimeOffset Start { get; }

    public int Minutes => _walls.Length;

    public static WallWalk Of(string zone, int year) => Walks.GetOrAdd((zone, year), key => new WallWalk(key.Item1, key.Item2));

    public DateTimeOffset InstantAt(int minute) => Start.AddMinutes(minute);

    /// <summary>For each minute: what the wall shows, and which local minutes happen then for the first time: one, none while a doubled hour comes again, many where clocks go forward.</summary>
    public IEnumerable<(int Minute, DateTime Wall, List<DateTime> New)> Walk()
    {
        DateTime latest = _walls[0].AddMinutes(-1);
        for (int i = 0; i < _walls.Length; i++)
        {
            List<DateTime> happened = [];
            for (; latest < _walls[i]; latest = latest.AddMinutes(1))
            {
                happened.Add(latest.AddMinutes(1));
            }

            yield return (i, _walls[i], happened);
        }
    }
}
