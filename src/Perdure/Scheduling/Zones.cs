using System.Collections.Concurrent;
using Perdure.Diagnostics;

namespace Perdure.Scheduling;

/// <summary>Finds zones by their names.</summary>
internal static class Zones
{
    /// <summary>Only zones that exist, so it stays small; by exact name, for the system's own search knows small letters only in a zone that it has seen.</summary>
    private static readonly ConcurrentDictionary<string, TimeZoneInfo> Known = new(StringComparer.Ordinal);

    public static ZoneClock Clock(string id) => new(Find(id));

    /// <exception cref="PerdureException">PRD4008: there is no such zone.</exception>
    public static TimeZoneInfo Find(string id)
    {
        if (Known.TryGetValue(id, out TimeZoneInfo? known))
        {
            return known;
        }

        if (string.IsNullOrWhiteSpace(id) || !TimeZoneInfo.TryFindSystemTimeZoneById(id, out TimeZoneInfo? zone) || IsMisspelt(id, zone))
        {
            throw Unknown(id);
        }

        return Known.GetOrAdd(id, zone);
    }

    private static bool IsMisspelt(string id, TimeZoneInfo found)
        => id != found.Id && id.Equals(found.Id, StringComparison.OrdinalIgnoreCase);

    private static PerdureException Unknown(string id)
    {
        string near = Nearest(id) is { } name ? $" Is '{name}' meant?" : "";
        return new PerdureException(ErrorCodes.UnknownZone, $"there is no time zone '{id}' on this machine.{near} Zones have IANA names, such as Europe/Berlin, or UTC.");
    }

    private static string? Nearest(string id)
    {
        string wanted = Plain(id);
        if (wanted.Length < 2)
        {
            return null;
        }

        (string Id, int Distance) best = TimeZoneInfo.GetSystemTimeZones()
            .Select(zone => (zone.Id, Distance: Distance(wanted, zone.Id)))
            .OrderBy(candidate => candidate.Distance)
            .ThenBy(candidate => candidate.Id, StringComparer.Ordinal)
            .FirstOrDefault(("", int.MaxValue));
        return best.Distance <= Math.Max(1, wanted.Length / 4) ? best.Id : null;
    }

    /// <summary>A name of a place may stand for its zone: Berlin for Europe/Berlin.</summary>
    private static int Distance(string wanted, string id)
    {
        string name = Plain(id);
        int place = name.LastIndexOf('/') + 1;
        int whole = Edits(wanted, name);
        return place == 0 ? whole : Math.Min(whole, Edits(wanted, name[place..]));
    }

    private static string Plain(string id) => id.Trim().Replace(' ', '_').ToUpperInvariant();

    /// <summary>How many letters must be put in, taken out or changed to make one word from the other.</summary>
    private static int Edits(string a, string b)
    {
        int[] above = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int[] row = new int[b.Length + 1];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int change = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                row[j] = Math.Min(change, Math.Min(above[j], row[j - 1]) + 1);
            }

            above = row;
        }

        return above[^1];
    }
}
