using Microsoft.Extensions.Logging;

namespace Perdure.Diagnostics;

/// <summary>The engine's log. It knows what has been said: one fault of the store meets many pieces of work, and is one line.</summary>
internal sealed class EngineLog(ILogger log, TimeProvider time) : ILogger
{
    /// <summary>In which all shards find out that the store has gone back.</summary>
    private static readonly TimeSpan BackAtOnce = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private long? _backAt;

    public StoreOutage Outage { get; } = new(log, time);

    /// <summary>A read has failed, and somebody will try again.</summary>
    public void ReadFailed(Exception exception) => Outage.Failed(exception);

    /// <summary>The store holds less of a shard than was durable.</summary>
    public void StoreWentBack(int shard, long known, long stored)
    {
        lock (_lock)
        {
            if (_backAt is { } at && time.GetElapsedTime(at) < BackAtOnce)
            {
                return;
            }

            _backAt = time.GetTimestamp();
        }

        Diagnostics.Log.StoreWentBack(log, shard, known, stored);
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
        => log.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => log.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        => log.Log(logLevel, eventId, state, exception, formatter);
}
