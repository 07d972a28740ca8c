using Microsoft.Extensions.DependencyInjection;
using Perdure.Testing.Crashes;
using Perdure.Testing.Running;

namespace Perdure.Testing;

/// <summary>
/// An application's flows in a test: its own registrations, a store in memory, and a time that the test owns. A flow that waits for 20 days
/// takes milliseconds, and the process can be made to crash.
/// </summary>
/// <remarks>
/// Of the application, the engine alone is started; other hosted services are not. Its store is replaced, and so are <see cref="TimeProvider"/>
/// and the engine's threads: flow code and steps run on one thread, so a test with services in memory takes the same course each time. What
/// the test registers last wins, as always in a service collection. All members can be used from any thread.
/// </remarks>
public sealed class FlowTest : IAsyncDisposable
{
    private readonly TestWorld _world;
    private readonly WorldThread _thread;
    private readonly ReplayWatch? _replays;
    private bool _isDisposed;

    private FlowTest(Action<IServiceCollection> services, FlowTestOptions options)
    {
        _replays = options.ReplaysEveryInput ? new ReplayWatch() : null;
        _world = new TestWorld(services, options, findsLongTurns: !System.Diagnostics.Debugger.IsAttached)
        {
            Attempts = new AttemptGate((ask, context, reconcile) => Faults.RunAsync(ask, context, reconcile, _world!.Process!.Place.Time)),
            Commits = _replays,
        };
        if (_replays is not null)
        {
            _replays.World = _world;
        }

        _thread = new WorldThread(_world, movesTime: options.Time == TestTime.MovesByItself);
    }

    /// <summary>Starts, finds and lists flows. It, and handles that it gave, go on with the next process after a crash.</summary>
    public PerdureClient Perdure => Process.Perdure;

    /// <summary>The services of the process that runs now.</summary>
    public IServiceProvider Services => Process.Services;

    /// <summary>What time it is in the test.</summary>
    public DateTimeOffset Now => _world.World.Now;

    /// <summary>What goes wrong with steps. It outlives crashes.</summary>
    public Faults Faults { get; } = new();

    private TestProcess Process
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _world.Process ?? throw new InvalidOperationException("The test is not started.");
        }
    }

    private WorldThread Thread
    {
        get
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _thread;
        }
    }

    /// <summary>Starts the application's flows.</summary>
    /// <param name="services">The application's registrations, as its Program has them, and then what the test wants otherwise.</param>
    /// <param name="options">How the test's world behaves.</param>
    /// <exception cref="PerdureException">The registrations are wrong, as at the start of a host (PRD4xxx).</exception>
    public static async Task<FlowTest> StartAsync(Action<IServiceCollection> services, FlowTestOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var test = new FlowTest(services, options ?? new FlowTestOptions());
        try
        {
            await test._thread.DoAsync(() => test._world.StartAsync(null));
            return test;
        }
        catch
        {
            await test._thread.DisposeAsync();
            await test._world.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Tries a scenario in every way in which it may go: once as it is; then once for each point where the engine commits, a step begins or
    /// ends, or an answer reaches the client, with the process dying there and another one going on; then with each step run twice, with each
    /// answer of a step lost, with each attempt failing once; then with each signal early, late and twice.
    /// </summary>
    /// <typeparam name="TOutside">What is outside of the process and survives its death: banks, kitchens, files. Disposed after each schedule, if it can be.</typeparam>
    /// <param name="outside">Makes it anew for each schedule.</param>
    /// <param name="services">
    /// The application's registrations, and then those that stand for the outside. What of it is registered as an object lives on through a
    /// crash; what the container makes dies with the process.
    /// </param>
    /// <param name="scenario">Starts runs, sends signals. When the process dies it is played again from its beginning, as by a client that asks again: give ids to runs.</param>
    /// <param name="check">What must be so when all runs have ended, in every schedule.</param>
    /// <param name="seed">The text of one schedule, as a failure names it (such as <c>crash-17</c>): only that one is played.</param>
    /// <param name="options">How the world behaves.</param>
    /// <returns>How many schedules were played.</returns>
    /// <exception cref="ExpectationException">
    /// Schedules failed; the message has the smallest, its seed and its course of events, and the inner exception is what it threw. Or the scenario
    /// does not come to what the seed names.
    /// </exception>
    /// <exception cref="ArgumentException">The seed is none.</exception>
    public static Task<CrashReport> CrashEverywhereAsync<TOutside>(
        Func<TOutside> outside, Action<IServiceCollection, TOutside> services, Func<CrashRun, TOutside, Task> scenario, Func<CrashRun, TOutside, Task> check,
        string? seed = null, CrashOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(outside);
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(scenario);
        ArgumentNullException.ThrowIfNull(check);
        var everywhere = new CrashEverywhere<TOutside>(outside, services, scenario, check, options ?? new CrashOptions());
        return Task.Factory.StartNew(() => everywhere.Play(seed), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>The same for an application in which nothing but runs is looked at: what its container makes dies with the process.</summary>
    /// <inheritdoc cref="CrashEverywhereAsync{TOutside}"/>
    public static Task<CrashReport> CrashEverywhereAsync(Action<IServiceCollection> services, Func<CrashRun, Task> scenario, Func<CrashRun, Task> check, string? seed = null, CrashOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(scenario);
        ArgumentNullException.ThrowIfNull(check);
        return CrashEverywhereAsync(static () => 0, (s, _) => services(s), (run, _) => scenario(run), (run, _) => check(run), seed, options);
    }

    /// <summary>
    /// Runs until no step has anything to do: each run has ended, is stuck, or waits for a signal, a timer or a child that does. Time moves as
    /// far as steps need it (back-offs, slow services), but not by hand.
    /// </summary>
    /// <exception cref="ExpectationException">A run's code does not fit its own history (see <see cref="FlowTestOptions.ReplaysEveryInput"/>).</exception>
    public async Task IdleAsync()
    {
        await Thread.IdleAsync();
        MustReplay();
    }

    /// <summary>Lets time pass, with all that happens in it.</summary>
    /// <inheritdoc cref="IdleAsync" path="/exception"/>
    public async Task AdvanceAsync(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        await Thread.AdvanceAsync(by);
        MustReplay();
    }

    /// <summary>
    /// Lets the process die where it is, and starts another one on what the store holds. What the test passed as objects (fakes that remember)
    /// lives on as the outside world does; what the container made is made anew.
    /// </summary>
    /// <param name="services">Other registrations for the new process, such as a new build's; the same by default.</param>
    /// <remarks>Calls that wait for an answer get a <see cref="StoreUnavailableException"/>. Steps at work on another thread are not stopped.</remarks>
    /// <inheritdoc cref="IdleAsync" path="/exception"/>
    public async Task CrashAsync(Action<IServiceCollection>? services = null)
    {
        await Thread.DoAsync(() =>
        {
            _world.DieAndTellClients();
            return _world.StartAsync(services);
        });
        MustReplay();
    }

    /// <summary>Stops the process as a host is stopped, and starts another one: a deployment.</summary>
    /// <param name="services">The registrations of the new process; the same by default.</param>
    /// <inheritdoc cref="IdleAsync" path="/exception"/>
    public async Task RestartAsync(Action<IServiceCollection>? services = null)
    {
        await Thread.DoAsync(async () =>
        {
            await _world.StopAsync();
            await _world.StartAsync(services);
        });
        MustReplay();
    }

    /// <summary>Stops the process and disposes its services.</summary>
    /// <exception cref="ExpectationException">
    /// A run's code does not fit its own history (see <see cref="FlowTestOptions.ReplaysEveryInput"/>), or all runs have ended and a plan of
    /// <see cref="Faults"/> was met by no attempt.
    /// </exception>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        await _thread.DoAsync(_world.StopAsync);
        await _thread.DisposeAsync();
        await _world.DisposeAsync();
        MustReplay();
        if (_world.HaveAllEnded)
        {
            Faults.MustHaveMet(); // with runs that go on, nobody can say what would have come of a plan
        }
    }

    private void MustReplay() => _replays?.MustHaveFoundNothing();
}
