using Perdure.Diagnostics;

namespace Perdure;

/// <summary>How a schedule makes its jobs.</summary>
public sealed class ScheduleOptions
{
    /// <summary>The largest <see cref="CatchUpMax"/>.</summary>
    internal const int CatchUpLimit = 1_000;

    /// <summary>What becomes of a time that comes while jobs of the schedule are not done; it is left out by default.</summary>
    public Overlap Overlap { get; set; }

    /// <summary>What becomes of times that nobody was there for; the latest one is made up for by default.</summary>
    public CatchUp CatchUp { get; set; } = CatchUp.Last;

    /// <summary>With <see cref="CatchUp.All"/>: how many times are made up for at most, the latest ones; 100 by default, 1 to 1,000.</summary>
    public int CatchUpMax { get; set; } = 100;

    /// <summary>How its jobs are done, where that differs from their contract and their queue; null for as those say.</summary>
    public JobOptions? JobOptions { get; set; }

    internal void Check(string schedule)
    {
        if (!Enum.IsDefined(Overlap) || !Enum.IsDefined(CatchUp) || CatchUpMax is < 1 or > CatchUpLimit)
        {
            throw new PerdureException(ErrorCodes.BadOption, $"schedule {schedule}: Overlap and CatchUp must be among their values, and CatchUpMax 1 to {CatchUpLimit:N0}.");
        }
    }
}

/// <summary>What becomes of a schedule's time that comes while jobs of it are not done: they wait, run, or are tried again. Jobs of a backfill do not count.</summary>
public enum Overlap
{
    /// <summary>It is left out, and counts as missed.</summary>
    Skip = 0,

    /// <summary>Its job is made all the same.</summary>
    Queue = 1,

    /// <summary>The jobs that are not done are cancelled, and its job is made. One that runs gets its token, and may run on until its handler agrees.</summary>
    CancelPrevious = 2,
}

/// <summary>What becomes of a schedule's times for which the process was not there, or came too late.</summary>
public enum CatchUp
{
    /// <summary>They are missed, but for one that is at most a minute old.</summary>
    None = 0,

    /// <summary>The latest one gets a job, the others are missed.</summary>
    Last = 1,

    /// <summary>Each gets a job, the latest <see cref="ScheduleOptions.CatchUpMax"/> of them, the oldest first. If there are several they are made whatever <see cref="Overlap"/> says.</summary>
    All = 2,
}
