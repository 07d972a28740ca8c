using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Perdure.RabbitMq;

/// <summary>
/// One bridge. It has a connection of its own, so that what is wrong with one bridge holds up no other, and that the broker may stop taking
/// events without stopping acknowledgements.
/// <list type="bullet">
/// <item>A session lasts as long as its connection and all of its channels. When one of them ends, all of it is made anew, the topology included:
/// what was under way is published again, or delivered again.</item>
/// <item>The client library's own recovery is off: a publication that waits for a confirm while it recovers may wait for ever.</item>
/// </list>
/// </summary>
#pragma warning disable CA1001 // Its token source has no timer, and may be cancelled until the very end: nothing needs disposing of.
internal abstract class Bridge(string name, RabbitMqOptions options)
#pragma warning restore CA1001
{
    private const int PausesMax = 50;
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public string Name => name;

    /// <summary>Why it has no connection; null while it has one.</summary>
    public string? Problem { get; private set; } = "it has not connected yet";

    protected RabbitMqOptions Options => options;

    protected PerdureClient Perdure { get; private set; } = null!;

    protected ILogger Log { get; private set; } = NullLogger.Instance;

    protected TimeProvider Time { get; private set; } = TimeProvider.System;

    public void Start(PerdureClient perdure, ILogger log, TimeProvider time)
    {
        (Perdure, Log, Time) = (perdure, log, time);
        _running = Task.Run(RunAsync, CancellationToken.None);
    }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
    }

    /// <summary>Declares the topology, and works until the session ends.</summary>
    protected abstract Task ServeAsync(Session session);

    /// <summary>It works from now on.</summary>
    protected void IsUp()
    {
        Problem = null;
        Log.Connected(Name);
    }

    /// <summary>The pause after so many failures.</summary>
    protected TimeSpan PauseAfter(int failures)
        => TimeSpan.FromTicks(Math.Min(options.ReconnectPauseMax.Ticks, options.ReconnectPauseMax.Ticks / PausesMax << Math.Min(failures - 1, 10)));

    private async Task RunAsync()
    {
        int failures = 0;
        while (!_stop.IsCancellationRequested)
        {
            long began = Time.GetTimestamp();
            Exception? failure = await LiveAsync();
            if (_stop.IsCancellationRequested)
            {
                return;
            }

            // One that breaks soon after it was made counts on: what breaks it may be what the bridge itself does.
            failures = Time.GetElapsedTime(began) > options.ReconnectPauseMax ? 1 : failures + 1;
            TimeSpan pause = PauseAfter(failures);
            Problem = ReasonOf(failure);
            if (IsRefusal(failure))
            {
                Log.Refused(Name, pause, Problem);
            }
            else
            {
                Log.Unreachable(Name, pause, Problem);
            }

            await Task.Delay(pause, Time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Connects, and works until that ends; says why it did.</summary>
    private async Task<Exception?> LiveAsync()
    {
        IConnection? connection = null;
        try
        {
            connection = await options.Factory().CreateConnectionAsync($"Perdure {Name}", _stop.Token);
            connection.ConnectionBlockedAsync += (_, blocked) =>
            {
                Log.Blocked(Name, blocked.Reason);
                return Task.CompletedTask;
            };
            var session = new Session(connection);
            await using (_stop.Token.UnsafeRegister(static s => ((Session)s!).End(null), session))
            {
                try
                {
                    await ServeAsync(session);
                }
                catch (Exception e) when (session.Failure is not null && e is OperationCanceledException)
                {
                    // The session's end is the cause, and what it broke off only the effect.
                }

                return session.Failure;
            }
        }
        catch (Exception e)
        {
            return e;
        }
        finally
        {
            if (connection is not null)
            {
                await CloseAsync(connection);
            }
        }
    }

    private static async Task CloseAsync(IConnection connection)
    {
        try
        {
            await connection.AbortAsync(CloseTimeout);
            await connection.DisposeAsync();
        }
        catch (Exception e) when (e is AlreadyClosedException or IOException or ObjectDisposedException or OperationCanceledException)
        {
            // It is gone.
        }
    }

    private static string ReasonOf(Exception? failure)
        => failure is BrokerUnreachableException { InnerException: { } inner } ? ReasonOf(inner) : failure?.Message ?? "it was closed";

    /// <summary>Whether the broker answered, and said no.</summary>
    private static bool IsRefusal(Exception? failure) => failure switch
    {
        BrokerUnreachableException { InnerException: { } inner } => IsRefusal(inner),
        AuthenticationFailureException or PossibleAuthenticationFailureException => true,
        OperationInterruptedException { ShutdownReason.ReplyCode: Constants.AccessRefused or Constants.NotFound or Constants.ResourceLocked or Constants.PreconditionFailed or Constants.NotAllowed } => true,
        _ => false,
    };
}
