namespace Perdure.Queues;

/// <summary>The stretches of time in which a schedule made no jobs, in order. What it should have made in them can be made up for, once.</summary>
/// <remarks>The first one reaches back from the schedule's beginning without an end.</remarks>
internal static class MissedTimes
{
    private const int StretchesMax = 64;

    /// <summary>Notes that no job was made after an instant and up to another, which is later than all that is noted.</summary>
    public static void Add(List<Stretch> missed, DateTimeOffset after, DateTimeOffset upTo)
    {
        if (missed.Count > 0 && missed[^1].UpTo >= after)
        {
            missed[^1] = missed[^1] with { UpTo = upTo };
            return;
        }

        missed.Add(new Stretch(after, upTo));
        if (missed.Count > StretchesMax)
        {
            missed.RemoveAt(1); // the first one is what was before the schedule
        }
    }

    /// <summary>The parts of all stretches that lie after an instant and up to another.</summary>
    public static IEnumerable<Stretch> Among(IEnumerable<Stretch> missed, DateTimeOffset after, DateTimeOffset upTo)
        => missed.Select(s => new Stretch(s.After > after ? s.After : after, s.UpTo < upTo ? s.UpTo : upTo)).Where(s => s.After < s.UpTo);

    /// <summary>Takes what lies after an instant and up to another away.</summary>
    public static List<Stretch> Without(IEnumerable<Stretch> missed, DateTimeOffset after, DateTimeOffset upTo)
        => [.. missed.SelectMany(s => new[] { s with { UpTo = s.UpTo < after ? s.UpTo : after }, s with { After = s.After > upTo ? s.After : upTo } }).Where(s => s.After < s.UpTo)];
}

/// <summary>What lies after an instant and up to another, which is part of it.</summary>
internal sealed record Stretch(DateTimeOffset After, DateTimeOffset UpTo);
