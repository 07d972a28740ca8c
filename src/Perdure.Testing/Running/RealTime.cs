namespace Perdure.Testing.Running;

/// <summary>The machine's clock, as one process of a test world has it: its timers end with the process.</summary>
internal sealed class RealTime : TimeProvider, IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<ITimer> _timers = [];
    private bool _isDisposed;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        lock (_lock)
        {
            ITimer timer = base.CreateTimer(callback, state, _isDisposed ? Timeout.InfiniteTimeSpan : dueTime, period);
            _timers.Add(timer);
            return timer;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _timers.ForEach(timer => timer.Dispose());
            _timers.Clear();
        }
    }
}
