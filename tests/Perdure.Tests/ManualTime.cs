namespace Perdure.Tests;

/// <summary>A clock that moves when a test says so; timers run then, in their order.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _timers = [];
    private DateTimeOffset _now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private long _stamp;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => Locked(() => _now);

    public override long GetTimestamp() => Locked(() => _stamp);

    /// <summary>Sets the wall clock; the monotonic one stays as it is.</summary>
    public void SetWallClock(DateTimeOffset now) => Locked(() => _now = now);

    public void Advance(TimeSpan by)
    {
        long until = GetTimestamp() + by.Ticks;
        while (TakeNext(until) is { } timer)
        {
            timer.Run();
        }
    }

    /// <summary>Lets time pass in small pieces, as real time does, until a task completes.</summary>
    public async Task<T> AdvanceUntilAsync<T>(Task<T> task)
    {
        await Deadline.UntilAsync("the end", () =>
        {
            Advance(TimeSpan.FromSeconds(10));
            return Task.FromResult(task.IsCompleted);
        });
        return await task;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    private ManualTimer? TakeNext(long until)
    {
        lock (_lock)
        {
            ManualTimer? next = _timers.Where(t => t.Due <= until).MinBy(t => t.Due);
            long stamp = Math.Max(_stamp, next?.Due ?? until);
            _now += TimeSpan.FromTicks(stamp - _stamp);
            _stamp = stamp;
            next?.Rearm();
            return next;
        }
    }

    private T Locked<T>(Func<T> read)
    {
        lock (_lock)
        {
            return read();
        }
    }

    private sealed class ManualTimer(ManualTime time, Action run) : ITimer
    {
        private TimeSpan _period;

        public long? Due { get; private set; }

        public void Run() => run();

        public void Rearm() => Due = _period > TimeSpan.Zero ? Due + _period.Ticks : null;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._lock)
            {
                _period = period;
                Due = dueTime < TimeSpan.Zero ? null : time._stamp + dueTime.Ticks;
                time._timers.Remove(this);
                time._timers.Add(this);
            }

            return true;
        }

        public void Dispose() => time.Locked(() => time._timers.Remove(this));

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
