using Microsoft.Extensions.Logging;

namespace Perdure.Engine;

/// <summary>A flow's logger: a line is written once, after its turn is committed.</summary>
internal sealed class FlowLog(FlowRun run, ILogger logger) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
        => null; // a scope is bound to the moment, and the lines leave later

    public bool IsEnabled(LogLevel logLevel) => logger.IsEnabled(logLevel);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            run.Observe(() => logger.Log(logLevel, eventId, state, exception, formatter));
        }
    }
}
