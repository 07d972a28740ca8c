using Perdure.Storage;

namespace Perdure.Testing.Running;

/// <summary>The thread that runs a test's world. The test is on other threads: it calls the engine as any client does, and says here what else it wants.</summary>
/// <remarks>Time stands still between a test's calls. It moves while the test waits for something that takes time, and nothing else can happen.</remarks>
internal sealed class WorldThread : IAsyncDisposable
{
    /// <summary>A wait beyond it is one for ever.</summary>
    private const int YearsMax = 100;

    /// <summary>How long, in real time, a test that moves time by hand may wait for an end and do nothing else.</summary>
    private static readonly TimeSpan HandMax = TimeSpan.FromSeconds(2);

    private readonly TestWorld _world;
    private readonly bool _movesTime;
    private readonly DateTimeOffset _end;
    private readonly List<Wish> _wishes = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _stopped;

    public WorldThread(TestWorld world, bool movesTime)
    {
        _world = world;
        _movesTime = movesTime;
        _end = world.World.Now.AddYears(YearsMax);
        var thread = new Thread(Run) { IsBackground = true, Name = "Perdure test world" };
        thread.UnsafeStart();
    }

    /// <summary>Does something in the world, and lets time pass until it is done. From any thread.</summary>
    public Task DoAsync(Func<Task> action)
    {
        var wish = new Wish();
        _world.World.Outside.Post(() =>
        {
            _wishes.Add(wish);
            _ = DoAsync(action, wish);
        });
        return wish.Task;
    }

    /// <summary>Completes when no step has anything to do. From any thread.</summary>
    public Task IdleAsync() => WishAsync(new Wish { IsForRest = true });

    /// <summary>Lets time pass, with all that happens in it. From any thread.</summary>
    public Task AdvanceAsync(TimeSpan by) => WishAsync(new Wish { By = by });

    /// <summary>Ends the thread. From any other thread.</summary>
    public async ValueTask DisposeAsync()
    {
        _stopped = true;
        _world.World.Outside.Post(static () => { });
        await _ended.Task;
    }

    private Task WishAsync(Wish wish)
    {
        _world.World.Outside.Post(() =>
        {
            wish.Until = wish.By is { } by ? _world.World.Now + by : null;
            _wishes.Add(wish);
        });
        return wish.Task;
    }

    private async Task DoAsync(Func<Task> action, Wish wish)
    {
        try
        {
            await action();
            _wishes.Remove(wish);
            wish.Grant();
        }
        catch (Exception e)
        {
            _wishes.Remove(wish);
            wish.Refuse(e);
        }
    }

    private void Run()
    {
        while (!_stopped)
        {
            try
            {
                _world.RunReady();
                if (!AtRest() && !_stopped)
                {
                    AwaitTest();
                }
            }
            catch (Exception e)
            {
                // Code of the test's that threw where nobody awaits it (async void), or a run that goes on and on.
                _wishes.ForEach(wish => wish.Refuse(e));
                _wishes.Clear();
                _world.GiveUp(_ => e);
                if (e is ExpectationException)
                {
                    _world.DieAndTellClients(); // a run goes on and on: nothing else would come to an end
                }
            }
        }

        _ended.SetResult();
    }

    /// <summary>Nothing is left to run now: does what is next of what the test wants.</summary>
    /// <returns>Whether anything was done.</returns>
    private bool AtRest()
    {
        if (_wishes.FirstOrDefault() is not { } wish)
        {
            return _movesTime && _world.HasClientsWaiting && (Move(_end) || GiveUp(WhyNever));
        }

        bool mayMove = wish.Until is not null || (wish.IsForRest ? _movesTime && _world.HasStepsToDo : true);
        if (mayMove && Move(wish.Until ?? _end))
        {
            return true;
        }

        _wishes.Remove(wish);
        if (wish.Until is { } until)
        {
            _world.World.Advance(until - _world.World.Now);
            _world.RunReady();
        }

        if (wish.Until is null && !wish.IsForRest)
        {
            wish.Refuse(new ExpectationException("The process does not come up, or does not come to its end: nothing more can happen."));
        }

        wish.Grant();
        return true;
    }

    /// <summary>Waits for the test's next call. Where it moves time by hand it may begin to wait for an end and move time then, but not much later.</summary>
    private void AwaitTest()
    {
        if (_movesTime || !_world.HasClientsWaiting)
        {
            _world.World.AwaitWork(Timeout.InfiniteTimeSpan);
        }
        else if (!_world.World.AwaitWork(HandMax) && !Move(_world.World.Now)) // a wait may have begun after its time was moved past
        {
            GiveUp(WhyNotNow);
        }
    }

    private bool Move(DateTimeOffset until) => _world.World.FireNext(until);

    private bool GiveUp(Func<string> why) => _world.GiveUp(key => new ExpectationException($"The test waits for the end of {key}, and {why()}\n{Shown(key)}"));

    private string WhyNever() => _world.NextDue is null ? "nothing more can happen." : $"it has not come after {YearsMax} years.";

    /// <summary>Why an end does not come while time stands still.</summary>
    private string WhyNotNow()
    {
        DateTimeOffset? next = _world.NextDue;
        if (_world.HasStepsToDo && _world.World.NextTimer is { } timer && !(next < timer))
        {
            next = timer; // an attempt that is slow, or its time-out
        }

        string work = _world.Attempts.HasLeft ? " A step is still at work outside of the test: FlowTestOptions.OutsideWorkMax says for how long it is waited for." : "";
        return next is { } due
            ? $"time moves by hand (TestTime.ByHand): what comes next is due in {RunTable.Elapsed(due - _world.World.Now)}, at {due:u}. Let time pass by AdvanceAsync first, and await the end then.{work}"
            : $"nothing more can happen.{work}";
    }

    private string Shown(FlowKey key) => _world.Describe(key) is { } run ? RunTable.Of(run) : "There is no such run.";

    /// <summary>What the test waits for.</summary>
    private sealed class Wish
    {
        private readonly TaskCompletionSource _granted = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Task => _granted.Task;

        public bool IsForRest { get; init; }

        public TimeSpan? By { get; init; }

        public DateTimeOffset? Until { get; set; }

        public void Grant() => _granted.TrySetResult();

        public void Refuse(Exception reason) => _granted.TrySetException(reason);
    }
}
