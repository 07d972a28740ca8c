namespace Perdure.Scheduling;

/// <summary>Times of a timetable that have passed. There may be very many: nobody walks through more than a few thousand.</summary>
internal static class PastTimes
{
    public const int WalkMax = 10_000;

    /// <summary>The latest time up to an instant.</summary>
    /// <param name="when">The timetable.</param>
    /// <param name="known">A time of it that is not later than that.</param>
    /// <param name="upTo">The instant.</param>
    public static DateTimeOffset Latest(Timetable when, DateTimeOffset known, DateTimeOffset upTo)
    {
        // No time lies between upTo and where it was at first.
        while (when.NextAfter(known) is { } next && next <= upTo)
        {
            DateTimeOffset middle = next + ((upTo - next) / 2);
            if (when.NextAfter(middle) is { } later && later <= upTo)
            {
                known = later;
            }
            else
            {
                known = next;
                upTo = middle;
            }
        }

        return known;
    }

    /// <summary>The last so many times after an instant and up to another, the oldest first.</summary>
    public static List<DateTimeOffset> Last(Timetable when, DateTimeOffset after, DateTimeOffset upTo, int max)
    {
        Queue<DateTimeOffset> last = new();
        for (int walked = 0; walked < WalkMax; walked++)
        {
            if (when.NextAfter(after) is not { } next || next > upTo)
            {
                return [.. last];
            }

            last.Enqueue(next);
            if (last.Count > max)
            {
                last.Dequeue();
            }

            after = next;
        }

        List<DateTimeOffset> backwards = [];
        while (backwards.Count < max && after <= upTo)
        {
            backwards.Add(Latest(when, after, upTo));
            upTo = backwards[^1].AddTicks(-1);
        }

        backwards.Reverse();
        return backwards;
    }

    /// <summary>The times after an instant and up to another; they may be very many.</summary>
    public static IEnumerable<DateTimeOffset> Between(Timetable when, DateTimeOffset after, DateTimeOffset upTo)
    {
        while (when.NextAfter(after) is { } next && next <= upTo)
        {
            yield return next;
            after = next;
        }
    }
}
