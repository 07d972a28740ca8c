using Microsoft.Extensions.Logging;
using Perdure.Storage;

namespace Perdure.Diagnostics;

/// <summary>All log lines of the engine.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Perdure is ready: {Store}, {Shards} shards, {PickedUp} open flows picked up")]
    public static partial void IsReady(this ILogger log, string store, int shards, int pickedUp);

    [LoggerMessage(2, LogLevel.Information, "Perdure has stopped")]
    public static partial void HasStopped(this ILogger log);

    [LoggerMessage(3, LogLevel.Error, "Flow {Flow} is stuck: {Code}: {Reason}")]
    public static partial void FlowStuck(this ILogger log, FlowKey flow, string code, string reason);

    [LoggerMessage(4, LogLevel.Error, ErrorCodes.NoCode + ": {Runs} open runs need {Type} version {Version}, and no code for it is registered; they wait until it is")]
    public static partial void VersionMissing(this ILogger log, string type, int version, long runs);

    [LoggerMessage(5, LogLevel.Warning, ErrorCodes.NoCode + ": flow {Flow} waits for code: version {Version} is not registered")]
    public static partial void NoCode(this ILogger log, FlowKey flow, int version);

    [LoggerMessage(6, LogLevel.Warning, "Attempt {Attempt} of step {Step} in flow {Flow} failed ({Kind}): {Error}")]
    public static partial void AttemptFailed(this ILogger log, FlowKey flow, string step, int attempt, ErrorKind kind, string error);

    [LoggerMessage(21, LogLevel.Information, "Step {Step} in flow {Flow} was rejected: {Error}")]
    public static partial void StepRejected(this ILogger log, FlowKey flow, string step, string error);

    [LoggerMessage(22, LogLevel.Debug, "What attempt {Attempt} of step {Step} in flow {Flow} threw")]
    public static partial void AttemptThrew(this ILogger log, Exception exception, FlowKey flow, string step, int attempt);

    [LoggerMessage(7, LogLevel.Warning, "The reconcile of step {Step} in flow {Flow} failed")]
    public static partial void ReconcileFailed(this ILogger log, Exception exception, FlowKey flow, string step);

    [LoggerMessage(8, LogLevel.Warning, "An attempt of step {Step} in flow {Flow} ignored its cancellation token for {Grace} and was left behind: pass the token on")]
    public static partial void AttemptLeft(this ILogger log, FlowKey flow, string step, TimeSpan grace);

    [LoggerMessage(9, LogLevel.Error, ErrorCodes.TurnTooLong + ": the code of flow {Flow} held its turn for {Duration}; its thread was left behind")]
    public static partial void TurnAbandoned(this ILogger log, FlowKey flow, TimeSpan duration);

    [LoggerMessage(10, LogLevel.Debug, "Shard {Shard} forgets what is not known to be durable and reloads: {Reason}")]
    public static partial void ShardLost(this ILogger log, int shard, string reason);

    [LoggerMessage(11, LogLevel.Debug, "The store failed")]
    public static partial void TryFailed(this ILogger log, Exception exception);

    [LoggerMessage(13, LogLevel.Error, "The store does not do what is asked of it since {Since:O}, and is asked again until it does: {Reason}")]
    public static partial void StoreIsOut(this ILogger log, DateTimeOffset since, string reason);

    [LoggerMessage(62, LogLevel.Information, "The store does what is asked of it again, after {Duration}, in which {Tries} tries failed")]
    public static partial void StoreIsBack(this ILogger log, TimeSpan duration, int tries);

    [LoggerMessage(14, LogLevel.Warning, "The wall clock jumped ahead by {Ahead}; what became due meanwhile is due now")]
    public static partial void ClockJumped(this ILogger log, TimeSpan ahead);

    [LoggerMessage(15, LogLevel.Warning, "The wall clock was set back by {Back}; time goes on from where it was")]
    public static partial void ClockSetBack(this ILogger log, TimeSpan back);

    [LoggerMessage(16, LogLevel.Warning, "The wall clock is {Behind} behind the store's time; time goes on from the store's")]
    public static partial void ClockBehindStore(this ILogger log, TimeSpan behind);

    [LoggerMessage(17, LogLevel.Error, "Detached child {Child} could not be started: {Code}: {Reason}")]
    public static partial void DetachedChildRefused(this ILogger log, FlowKey child, string code, string reason);

    [LoggerMessage(40, LogLevel.Error, "A job that a flow left to {Queue} was dropped: {Code}: {Reason}")]
    public static partial void FlowJobDropped(this ILogger log, string queue, string code, string reason);

    [LoggerMessage(18, LogLevel.Warning, "Shard {Shard} ended uncleanly {Times} times in a row: it runs what was open one at a time, until all of it has got through")]
    public static partial void CarefulMode(this ILogger log, int shard, int times);

    [LoggerMessage(30, LogLevel.Error, "Job {Job} is a dead letter: {Code}: {Reason}")]
    public static partial void JobDead(this ILogger log, Queues.Job job, string code, string reason);

    [LoggerMessage(42, LogLevel.Warning, "Attempt {Attempt} of job {Job} failed ({Kind}): {Error}")]
    public static partial void JobAttemptFailed(this ILogger log, Queues.Job job, int attempt, ErrorKind kind, string error);

    [LoggerMessage(43, LogLevel.Information, "Job {Job} was rejected: {Code}: {Reason}")]
    public static partial void JobRejected(this ILogger log, Queues.Job job, string code, string reason);

    [LoggerMessage(36, LogLevel.Error, "Schedule {Schedule} made no job for {At:u}: {Reason}")]
    public static partial void ScheduleMissed(this ILogger log, string schedule, DateTimeOffset at, string reason);

    [LoggerMessage(33, LogLevel.Error, ErrorCodes.NoHandler + ": {Jobs} jobs of type {Type} on queue {Queue} wait, and no queue, handler or contract for them is registered here")]
    public static partial void JobsUnknown(this ILogger log, int jobs, string type, string queue);

    [LoggerMessage(44, LogLevel.Error, "What was changed in the policy of queue {Queue} cannot be read or does not hold any more: the configured policy does")]
    public static partial void PolicyUnread(this ILogger log, string queue, Exception exception);

    [LoggerMessage(31, LogLevel.Warning, "Job {Job} ignored its token for {Grace} and was left behind")]
    public static partial void JobLeft(this ILogger log, string job, TimeSpan grace);

    [LoggerMessage(32, LogLevel.Warning, "Worker {Worker} fell silent with job {Job}: it is given back")]
    public static partial void LeaseLost(this ILogger log, Queues.Job job, string worker);

    [LoggerMessage(23, LogLevel.Error, "The breaker of dependency {Dependency} is open until {Until:O}: {Failures} of the last {Ended} attempts failed; what depends on it waits")]
    public static partial void BreakerOpened(this ILogger log, string dependency, int failures, int ended, DateTimeOffset until);

    [LoggerMessage(24, LogLevel.Information, "The breaker of dependency {Dependency} lets one attempt go, to see whether there is an answer")]
    public static partial void BreakerProbes(this ILogger log, string dependency);

    [LoggerMessage(25, LogLevel.Warning, "The breaker of dependency {Dependency} stays open until {Until:O}: the probe failed")]
    public static partial void BreakerStaysOpen(this ILogger log, string dependency, DateTimeOffset until);

    [LoggerMessage(26, LogLevel.Information, "The breaker of dependency {Dependency} is closed: the probe was answered")]
    public static partial void BreakerClosed(this ILogger log, string dependency);

    [LoggerMessage(20, LogLevel.Warning, "Giving the shards back failed; the next start counts an unclean end")]
    public static partial void ReleaseFailed(this ILogger log, Exception exception);

    [LoggerMessage(19, LogLevel.Warning, "Reading the open versions failed")]
    public static partial void VersionsUnread(this ILogger log, Exception exception);

    [LoggerMessage(41, LogLevel.Error, "A new job could not be merged with job {Job}: both will be done")]
    public static partial void MergeFailed(this ILogger log, Queues.Job job, Exception exception);

    [LoggerMessage(50, LogLevel.Warning, ErrorCodes.EventUnclaimed + ": no flow took event {Event} ({Type}, key {Key}) in time")]
    public static partial void EventUnclaimed(this ILogger log, string type, string @event, string key);

    [LoggerMessage(51, LogLevel.Error, ErrorCodes.EventAmbiguous + ": {Flows} flows wait for event {Event} ({Type}, key {Key}), and one is expected: none has it, and it is kept for a time")]
    public static partial void EventAmbiguous(this ILogger log, string type, string @event, string key, int flows);

    [LoggerMessage(52, LogLevel.Warning, ErrorCodes.SubscriptionGone + ": subscription {Subscription} has handlers no more, and {Events} events of topic {Topic} are kept for it: add it again with Subscribe, or remove it")]
    public static partial void SubscriptionGone(this ILogger log, string subscription, string topic, long events);

    [LoggerMessage(53, LogLevel.Error, ErrorCodes.UnknownEvent + ": flow {Flow} published an event of type {Type}, which is not registered here: it stays in the inbox for a process that has it")]
    public static partial void EventTypeGone(this ILogger log, string type, string flow);

    [LoggerMessage(63, LogLevel.Error, ErrorCodes.UnknownEvent + ": subscription {Subscription} passes over events of type {Type}, the first of them {Event}: the type is not registered here. If it was renamed, give it its old name with [Named], and rewind the subscription")]
    public static partial void EventPassedOver(this ILogger log, string subscription, string @event, string type);

    [LoggerMessage(54, LogLevel.Information, "Joined the other nodes as {Name}, node {Number}")]
    public static partial void HasJoined(this ILogger log, string name, long number);

    [LoggerMessage(55, LogLevel.Information, "Took {Shards} shards, {Unclean} of them from nodes that did not end cleanly")]
    public static partial void HasTaken(this ILogger log, int shards, int unclean);

    [LoggerMessage(56, LogLevel.Error, ErrorCodes.NodeGone + ": {Name}, node {Number}, has lost its place: {Reason} It forgets its shards, and joins anew")]
    public static partial void HasLostItsPlace(this ILogger log, string name, long number, string reason);

    [LoggerMessage(61, LogLevel.Error, "The store went back: batch {Known} of shard {Shard} was durable, and its last one is {Stored} now; so it may be with others. Was a standby promoted that lagged, or a backup restored? Each shard goes on from what is there")]
    public static partial void StoreWentBack(ILogger log, int shard, long known, long stored);

    [LoggerMessage(58, LogLevel.Warning, ErrorCodes.NoCode + ": the start of flow {Flow} waits for a node that has its code")]
    public static partial void StartWaitsForCode(this ILogger log, FlowKey flow);

    [LoggerMessage(59, LogLevel.Warning, ErrorCodes.MessageUnclaimed + ": a {Kind} for {To} came with a client's transaction, and nobody can take it; it is kept as unclaimed: {Reason}")]
    public static partial void MessageUnclaimed(this ILogger log, MessageKind kind, FlowKey to, string reason);

    [LoggerMessage(60, LogLevel.Warning, ErrorCodes.NoCode + ": a client's call ({Call}) waits for a node that knows its queue and type")]
    public static partial void CallWaitsForCode(this ILogger log, string? call);
}
