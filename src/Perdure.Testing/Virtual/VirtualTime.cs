namespace Perdure.Testing.Virtual;

/// <summary>A place's clock. Its timers fire when the world's time moves.</summary>
internal sealed class VirtualTime(World world, Place place) : TimeProvider
{
    private long _skewTicks;

    /// <summary>By how much the wall clock is ahead of the world's. Setting it is what somebody does who sets the clock; the monotonic clock stays as it is.</summary>
    public TimeSpan Skew
    {
        get => TimeSpan.FromTicks(Interlocked.Read(ref _skewTicks));
        set => Interlocked.Exchange(ref _skewTicks, value.Ticks);
    }

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => world.Now + Skew;

    public override long GetTimestamp() => world.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new VirtualTimer(world, place, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }
}

/// <summary>A timer of a place. When it fires, its callback is queued like other work.</summary>
internal sealed class VirtualTimer(World world, Place place, TimerCallback callback, object? state) : ITimer
{
    private readonly RunningAttempt? _attempt = RunningAttempt.Current;
    private bool _isDisposed;
    private bool _isSet;

    public Place Place => place;

    /// <summary>After how many ticks it fires again; 0 if it does not.</summary>
    public long Period { get; private set; }

    /// <summary>Which of its entries in the queue counts.</summary>
    public long Entry { get; set; }

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        if (_isDisposed)
        {
            return false;
        }

        Period = period > TimeSpan.Zero ? period.Ticks : 0;
        world.Set(this, dueTime < TimeSpan.Zero ? null : world.Ticks + dueTime.Ticks);
        IsSet(dueTime >= TimeSpan.Zero);
        return true;
    }

    public void Fire()
    {
        IsSet(Period > 0);
        world.Post(place, place.Context, static s => ((VirtualTimer)s!).Call(), this);
    }

    public void Dispose()
    {
        _isDisposed = true;
        world.Set(this, null);
        IsSet(false);
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    private void IsSet(bool isSet)
    {
        if (isSet != _isSet)
        {
            _isSet = isSet;
            _attempt?.TimerIs(isSet);
        }
    }

    private void Call()
    {
        if (!_isDisposed)
        {
            callback(state);
        }
    }
}
