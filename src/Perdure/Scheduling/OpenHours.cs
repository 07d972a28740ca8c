using Perdure.Diagnostics;
using Perdure.Scheduling;

namespace Perdure;

/// <summary>When something is open: in any of several windows, which may overlap and be of different zones.</summary>
/// <param name="Windows">The windows; at least one, at most <see cref="WindowsMax"/>.</param>
public sealed record OpenHours(IReadOnlyList<TimeWindow> Windows)
{
    /// <summary>How many windows there may be.</summary>
    public const int WindowsMax = 100;

    /// <summary>The windows; at least one, at most <see cref="WindowsMax"/>.</summary>
    public IReadOnlyList<TimeWindow> Windows { get; init => field = [.. value]; } = [.. Windows];

    /// <summary>Makes open hours from windows.</summary>
    public static OpenHours Of(params IReadOnlyList<TimeWindow> windows) => new(windows);

    /// <summary>Whether any window is open at an instant.</summary>
    /// <exception cref="PerdureException">PRD4008: there is no such zone.</exception>
    public bool Contains(DateTimeOffset at) => Windows.Any(window => window.Contains(at));

    /// <summary>The next instant after another at which it opens or closes; null if there is none.</summary>
    /// <remarks>
    /// Windows of several zones that take over from each other without a gap are followed until two years after <paramref name="after"/>
    /// and after the last holiday of their calendars; what has not closed by then never does.
    /// </remarks>
    /// <exception cref="PerdureException">PRD4008: there is no such zone.</exception>
    public DateTimeOffset? NextEdge(DateTimeOffset after)
        => WindowTimes.NextEdge([.. Windows.Select(window => new WindowTimes(window))], after.UtcDateTime);

    /// <summary>Finds what cannot be meant.</summary>
    /// <exception cref="PerdureException">PRD4004: too many windows, or a bad one. PRD4007: it never opens. PRD4008: there is no such zone.</exception>
    public void Check()
    {
        if (Windows.Count > WindowsMax)
        {
            throw new PerdureException(ErrorCodes.BadOption, $"OpenHours have {Windows.Count} windows; at most {WindowsMax} are allowed.");
        }

        if (Windows.All(window => window.NeverOpens))
        {
            throw new PerdureException(ErrorCodes.NeverOpen, Windows.Count == 0
                ? "OpenHours without a window never open."
                : "OpenHours never open: no window has days that its calendar works on.");
        }

        foreach (TimeWindow window in Windows)
        {
            window.Check();
        }
    }

    /// <summary>By value, with the windows in their order.</summary>
    public bool Equals(OpenHours? other) => other is not null && Windows.SequenceEqual(other.Windows);

    /// <inheritdoc/>
    public override int GetHashCode() => Windows.Aggregate(Windows.Count, HashCode.Combine);
}
