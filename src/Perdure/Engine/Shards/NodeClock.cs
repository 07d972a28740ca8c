using Microsoft.Extensions.Logging;
using Perdure.Diagnostics;

namespace Perdure.Engine;

/// <summary>
/// The node's time, in whole microseconds. It follows the monotonic clock, so it never goes back; when the wall clock jumps ahead it
/// follows, since waits that ended meanwhile are over; when the wall clock is set back, it goes on from where it was.
/// </summary>
internal sealed class NodeClock
{
    private static readonly TimeSpan JumpMin = TimeSpan.FromSeconds(2);

    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private volatile Base _base;
    private bool _behindWasLogged;

    public NodeClock(TimeProvider time, ILogger log)
    {
        _time = time;
        _log = log;
        _base = new Base(time.GetUtcNow(), time.GetTimestamp());
    }

    /// <summary>The time now. From any thread.</summary>
    public DateTimeOffset Now()
    {
        Base since = _base;
        long ticks = since.Time.UtcTicks + _time.GetElapsedTime(since.Stamp).Ticks;
        return new DateTimeOffset(ticks - (ticks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
    }

    /// <summary>Makes the clock at least as late as what the store holds, so that time does not stand still until the wall clock catches up.</summary>
    public void AtLeast(DateTimeOffset stored)
    {
        DateTimeOffset now = Now();
        if (stored > now)
        {
            _log.ClockBehindStore(stored - now);
            Rebase(stored);
        }
    }

    /// <summary>Compares with the wall clock; called now and then.</summary>
    public void Check()
    {
        TimeSpan ahead = _time.GetUtcNow() - Now();
        if (ahead > JumpMin)
        {
            _log.ClockJumped(ahead);
            Rebase(_time.GetUtcNow());
        }
        else if (ahead < -JumpMin && !_behindWasLogged)
        {
            _behindWasLogged = true;
            _log.ClockSetBack(-ahead);
        }
    }

    private void Rebase(DateTimeOffset time) => _base = new Base(time, _time.GetTimestamp());

    /// <summary>A time, and the monotonic clock at it.</summary>
    private sealed record Base(DateTimeOffset Time, long Stamp);
}
