using Microsoft.Extensions.Logging;
using Perdure.Diagnostics;

namespace Perdure.RabbitMq;

/// <summary>All log lines of bridges.</summary>
internal static partial class BridgeLog
{
    [LoggerMessage(1, LogLevel.Information, "Bridge {Bridge} is connected")]
    public static partial void Connected(this ILogger log, string bridge);

    [LoggerMessage(2, LogLevel.Warning, ErrorCodes.BrokerUnreachable + ": bridge {Bridge} has no connection, next try in {Pause}: {Reason}")]
    public static partial void Unreachable(this ILogger log, string bridge, TimeSpan pause, string reason);

    [LoggerMessage(3, LogLevel.Error, ErrorCodes.BrokerRefuses + ": the broker refuses what bridge {Bridge} wants, next try in {Pause}: {Reason}")]
    public static partial void Refused(this ILogger log, string bridge, TimeSpan pause, string reason);

    [LoggerMessage(4, LogLevel.Error, ErrorCodes.EventNotTaken + ": the broker did not take event {Event} from bridge {Bridge}, it is published again: {Reason}")]
    public static partial void NotTaken(this ILogger log, string bridge, string @event, string reason);

    [LoggerMessage(5, LogLevel.Error, ErrorCodes.MessageSetAside + ": bridge {Bridge} set message {Message} aside in {DeadLetters}: {Code}: {Reason}")]
    public static partial void SetAside(this ILogger log, string bridge, string message, string deadLetters, string code, string reason);

    [LoggerMessage(6, LogLevel.Warning, "Bridge {Bridge} cannot publish {Messages} messages that came in, next try in {Pause}: {Reason}")]
    public static partial void IntakeWaits(this ILogger log, string bridge, int messages, TimeSpan pause, string reason);

    [LoggerMessage(7, LogLevel.Warning, "The broker takes nothing from bridge {Bridge} for now: {Reason}")]
    public static partial void Blocked(this ILogger log, string bridge, string reason);

    [LoggerMessage(8, LogLevel.Debug, "Bridge {Bridge} passes over message {Message}: it went out from this store")]
    public static partial void Echo(this ILogger log, string bridge, string message);
}
