using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Perdure.Testing.Running;
using Perdure.Testing.Virtual;

namespace Perdure.Testing.Crashes;

/// <summary>Runs a scenario under one schedule: to its end, through the crash if there is one, and then its check.</summary>
internal sealed class ScheduleRun : IDisposable
{
    private readonly CrashOptions _options;
    private readonly ReplayWatch _replays = new();
    private readonly TestWorld _world;
    private readonly List<(TaskCompletionSource Granted, DateTimeOffset? Until)> _wishes = [];
    private Place _client = null!;

    public ScheduleRun(Schedule schedule, Action<IServiceCollection> services, CrashOptions options)
    {
        _options = options;
        Course = new Course(schedule, _replays);
        var world = new FlowTestOptions { StartAt = options.StartAt, OutsideWorkMax = options.OutsideWorkMax };
        _world = new TestWorld(services, world, findsLongTurns: schedule == Schedule.Plain && !System.Diagnostics.Debugger.IsAttached) { Attempts = new AttemptGate(Course.RunAsync), Commits = Course };
        _replays.World = _world;
        Course.World = _world;
        Course.Die = Die;
    }

    public Course Course { get; }

    public TestWorld World => _world;

    /// <summary>Runs it.</summary>
    /// <exception cref="ExpectationException">Something is not as it must be.</exception>
    public void Run(Func<CrashRun, Task> scenario, Func<CrashRun, Task> check)
    {
        while (!RunOnce(scenario))
        {
            Course.PlayAgain(); // another process starts, and the client asks again
        }

        Course.IsOver = true;
        Task checking = Start(check);
        Finish(() => checking.IsCompleted);
        checking.GetAwaiter().GetResult();
    }

    public void Dispose()
    {
        _world.Die();
        _world.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Completes when no step has anything to do.</summary>
    public Task IdleAsync() => WishAsync(null);

    /// <summary>Completes after some time.</summary>
    public Task AdvanceAsync(TimeSpan by) => WishAsync(_world.World.Now + by);

    /// <summary>Completes just before the next thing happens that only time brings about, if there is one.</summary>
    public Task AdvanceToLastMomentAsync()
        => _world.NextDue is { } due && due - _options.LastMoment > _world.World.Now ? WishAsync(due - _options.LastMoment) : Task.CompletedTask;

    /// <summary>Runs a process, and the scenario, to the end.</summary>
    /// <returns>False when the process died.</returns>
    private bool RunOnce(Func<CrashRun, Task> scenario)
    {
        _wishes.Clear();
        Task started = _world.World.Outside.Start(() => _world.StartAsync(null));
        Finish(() => started.IsCompleted);
        if (!_world.IsAlive)
        {
            return false;
        }

        started.GetAwaiter().GetResult();
        Task played = Start(scenario);
        Finish(() => played.IsCompleted);
        if (!_world.IsAlive)
        {
            return false;
        }

        played.GetAwaiter().GetResult();
        Finish(() => !_world.HasOpenRuns, mayStandStill: true);
        if (!_world.IsAlive)
        {
            return false;
        }

        _replays.MustHaveFoundNothing();
        Expect.That(_options.AllowsStuck || _world.FirstStuck() is null, () => $"a run is stuck.\n{RunTable.Of(_world.FirstStuck()!)}");
        return true;
    }

    private Task Start(Func<CrashRun, Task> method)
    {
        var done = new TaskCompletionSource();
        Place client = _client = _world.World.NewPlace("client");
        var run = new CrashRun(this);
        client.Post(() =>
        {
            SynchronizationContext.SetSynchronizationContext(new AnswerContext(client, Course));
            _ = PlayAsync();
        });
        return done.Task;

        async Task PlayAsync()
        {
            try
            {
                await method(run);
                done.SetResult();
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        }
    }

    /// <summary>Runs, moving time as needed, until something holds or the process is dead.</summary>
    private void Finish(Func<bool> isDone, bool mayStandStill = false)
    {
        DateTimeOffset end = _world.World.Now + _options.TimeMax;
        while (true)
        {
            _world.RunReady();
            if (isDone() || (_world.Process is not null && !_world.IsAlive))
            {
                return;
            }

            bool moved = Grant() || _world.World.FireNext(end);
            if (!moved)
            {
                Expect.That(_world.NextDue is null, () => string.Create(CultureInfo.InvariantCulture, $"after {_options.TimeMax.TotalDays:N0} days (CrashOptions.TimeMax) a run still goes on.\n{OpenRun}"));
                Expect.That(mayStandStill, () => $"the scenario waits for something, and nothing more can happen.\n{OpenRun}".TrimEnd());
                return;
            }
        }
    }

    /// <summary>A run that is open, for a message.</summary>
    private string OpenRun => (_world.FirstStuck() ?? _world.FirstOpen()) is { } open ? RunTable.Of(open) : "";

    private bool Grant()
    {
        if (_wishes.Count == 0)
        {
            return false;
        }

        (TaskCompletionSource granted, DateTimeOffset? until) = _wishes[0];
        if (until is { } time && _world.World.Now < time)
        {
            if (!_world.World.FireNext(time))
            {
                _world.World.Advance(time - _world.World.Now);
            }

            return true;
        }

        if (until is null && _world.HasStepsToDo)
        {
            return false;
        }

        _wishes.RemoveAt(0);
        granted.SetResult();
        return true;
    }

    private Task WishAsync(DateTimeOffset? until)
    {
        var granted = new TaskCompletionSource();
        _wishes.Add((granted, until));
        return granted.Task;
    }

    private void Die()
    {
        _world.Die();
        _client?.Die();
    }
}
