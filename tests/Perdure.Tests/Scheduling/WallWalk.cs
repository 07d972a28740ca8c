using System.Collections.Concurrent;

namespace Perdure.Tests.Scheduling;

/// <summary>A stretch of time in a zone, step by step: what the wall shows, and which local times happen. The plain model that fast code is held against.</summary>
internal sealed class WallWalk
{
    private static readonly ConcurrentDictionary<(string, int), WallWalk> Years = new();

    private readonly TimeSpan _step;
    private readonly DateTimeOffset _start;
    private readonly DateTime[] _walls;

    public WallWalk(string zone, DateTimeOffset start, int count, TimeSpan step)
    {
        Zone = TimeZoneInfo.FindSystemTimeZoneById(zone);
        _step = step;
        _start = start;
        _walls = [.. Enumerable.Range(0, count).Select(i => TimeZoneInfo.ConvertTime(InstantAt(i), Zone).DateTime)];
    }

    public TimeZoneInfo Zone { get; }

    public int Count => _walls.Length;

    /// <summary>A year by minutes, with three days before it and after.</summary>
    public static WallWalk Of(string zone, int year) => Years.GetOrAdd((zone, year), key
        => new WallWalk(key.Item1, new DateTimeOffset(key.Item2, 1, 1, 0, 0, 0, TimeSpan.Zero).AddDays(-3), 372 * 24 * 60, TimeSpan.FromMinutes(1)));

    /// <summary>Years with what is odd about a zone: Lord Howe changes by half an hour, Samoa lost a day, Havana changes at midnight, the Azores go back over it.</summary>
    public static TheoryData<string, int, int> OddYears(int seeds)
    {
        TheoryData<string, int, int> years = [];
        (string, int)[] places =
        [
            ("Europe/Berlin", 2025), ("America/New_York", 2024), ("Australia/Lord_Howe", 2025), ("Pacific/Apia", 2011), ("UTC", 2024),
            ("America/Havana", 2025), ("Atlantic/Azores", 2025), ("Africa/Casablanca", 2025), ("Europe/Dublin", 2026), ("Asia/Kathmandu", 2025),
        ];
        foreach ((string zone, int year) in places)
        {
            Enumerable.Range(1, seeds).ToList().ForEach(seed => years.Add(zone, year, seed));
        }

        return years;
    }

    public DateTimeOffset InstantAt(int index) => _start + (index * _step);

    /// <summary>For each step: what the wall shows, and which local times happen then for the first time: one, none while a doubled hour comes again, many where clocks go forward. The list is good until the next step.</summary>
    public IEnumerable<(int Index, DateTime Wall, List<DateTime> New)> Walk()
    {
        DateTime latest = _walls[0] - _step;
        List<DateTime> happened = [];
        for (int i = 0; i < _walls.Length; i++)
        {
            happened.Clear();
            for (; latest < _walls[i]; latest += _step)
            {
                happened.Add(latest + _step);
            }

            yield return (i, _walls[i], happened);
        }
    }
}
