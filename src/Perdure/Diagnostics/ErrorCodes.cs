namespace Perdure.Diagnostics;

/// <summary>The stable codes of all errors. Each has a page, docs/errors/CODE.md; a test keeps the two together.</summary>
public static class ErrorCodes
{
    // 1xxx: what a flow author or caller did

    /// <summary>No flow type of this name or class is registered.</summary>
    public const string UnknownFlowType = "PRD1001";

    /// <summary>A flow with this id was started before, with another input.</summary>
    public const string StartConflict = "PRD1002";

    /// <summary>There is no flow with this id.</summary>
    public const string FlowNotFound = "PRD1003";

    /// <summary>The flow has ended and takes no more signals or commands.</summary>
    public const string FlowEnded = "PRD1004";

    /// <summary>A payload is larger than the limit.</summary>
    public const string PayloadTooLarge = "PRD1005";

    /// <summary>A value cannot be turned into JSON, or JSON does not fit the type.</summary>
    public const string PayloadMismatch = "PRD1006";

    /// <summary>An id or a name is empty, too long or has characters that it must not have.</summary>
    public const string BadName = "PRD1007";

    /// <summary>The operation does not fit the flow's state.</summary>
    public const string WrongState = "PRD1008";

    /// <summary>A flow failed; what it did was undone.</summary>
    public const string FlowFailed = "PRD1009";

    /// <summary>A flow was cancelled; what it did was undone.</summary>
    public const string FlowCancelled = "PRD1010";

    /// <summary>A flow was terminated; nothing was undone.</summary>
    public const string FlowTerminated = "PRD1011";

    /// <summary>There is no queue of this name.</summary>
    public const string UnknownQueue = "PRD1012";

    /// <summary>Nobody does jobs of this type.</summary>
    public const string UnknownHandler = "PRD1013";

    /// <summary>The queue is full.</summary>
    public const string QueueFull = "PRD1014";

    /// <summary>A pool that the queue uses is saturated, and the job's priority is not admitted.</summary>
    public const string JobShed = "PRD1015";

    /// <summary>The queue drains, and takes no new jobs.</summary>
    public const string QueueDraining = "PRD1016";

    /// <summary>There is no such job, or nothing is kept of it.</summary>
    public const string JobNotFound = "PRD1017";

    /// <summary>A job failed.</summary>
    public const string JobFailed = "PRD1018";

    /// <summary>A job was cancelled.</summary>
    public const string JobCancelled = "PRD1019";

    /// <summary>A job was not done in the time that it had.</summary>
    public const string JobExpired = "PRD1020";

    /// <summary>The caller's lease on a job has ended, or the job was given to somebody else.</summary>
    public const string LeaseLost = "PRD1021";

    /// <summary>The queue's jobs are done by this process's own handlers: no worker can pull them.</summary>
    public const string QueueIsHandled = "PRD1022";

    /// <summary>The job is no dead letter that can be done again.</summary>
    public const string NotRedrivable = "PRD1023";

    /// <summary>There is no schedule of this name.</summary>
    public const string UnknownSchedule = "PRD1024";

    // 2xxx: what happened inside a flow

    /// <summary>A step was rejected: a business no, never retried.</summary>
    public const string StepRejected = "PRD2001";

    /// <summary>A step's retries are used up.</summary>
    public const string StepFailed = "PRD2002";

    /// <summary>Nobody knows whether a step happened.</summary>
    public const string OutcomeUnknown = "PRD2003";

    /// <summary>A wait or region reached its limit.</summary>
    public const string LimitReached = "PRD2004";

    /// <summary>A child flow failed, was cancelled or was terminated.</summary>
    public const string ChildFailed = "PRD2005";

    /// <summary>No flow, job or event carries the id of a business transaction.</summary>
    public const string TransactionNotFound = "PRD2006";

    /// <summary>A message that came with a client's transaction can be taken by nobody.</summary>
    public const string MessageUnclaimed = "PRD2007";

    /// <summary>An attempt of a step has done its work in a transaction, and began a second one.</summary>
    public const string SecondTransaction = "PRD2008";

    // 3xxx: why a flow is stuck

    /// <summary>The flow's code does not match its history.</summary>
    public const string HistoryMismatch = "PRD3001";

    /// <summary>The flow awaits something that is not durable, or left its turn.</summary>
    public const string NotDurable = "PRD3002";

    /// <summary>The flow's code blocked or computed for longer than a turn may take.</summary>
    public const string TurnTooLong = "PRD3003";

    /// <summary>The flow could not be constructed.</summary>
    public const string ConstructorFailed = "PRD3004";

    /// <summary>A step that must succeed keeps failing.</summary>
    public const string KeepsFailing = "PRD3005";

    /// <summary>An undo was rejected.</summary>
    public const string UndoRejected = "PRD3006";

    /// <summary>The flow failed after its pivot, where there is no way back.</summary>
    public const string FailedAfterPivot = "PRD3007";

    /// <summary>The store refused what the flow wanted to write.</summary>
    public const string StoreRefused = "PRD3008";

    /// <summary>The process died repeatedly while running this.</summary>
    public const string CrashSuspect = "PRD3009";

    /// <summary>No code is registered for the flow type or version that an open run needs.</summary>
    public const string NoCode = "PRD3010";

    /// <summary>No handler or contract is registered for jobs that wait.</summary>
    public const string NoHandler = "PRD3011";

    // 4xxx: configuration, found at start

    /// <summary>A flow's constructor takes a scoped service.</summary>
    public const string ScopedInFlow = "PRD4001";

    /// <summary>Two flow types have the same name and version.</summary>
    public const string DuplicateFlowType = "PRD4002";

    /// <summary>No store was chosen, or more than one.</summary>
    public const string NoStore = "PRD4003";

    /// <summary>An option is out of its range.</summary>
    public const string BadOption = "PRD4004";

    /// <summary>The host has not been started, or has stopped.</summary>
    public const string NotStarted = "PRD4005";

    /// <summary>Two handlers or contracts are registered for one job.</summary>
    public const string DuplicateHandler = "PRD4010";

    /// <summary>A cron expression cannot be read, or never fires.</summary>
    public const string BadCron = "PRD4006";

    /// <summary>Windows or a calendar that never open.</summary>
    public const string NeverOpen = "PRD4007";

    /// <summary>There is no such time zone.</summary>
    public const string UnknownZone = "PRD4008";

    /// <summary>A queue's jobs take more of a pool than there is.</summary>
    public const string PoolNeverEnough = "PRD4009";

    /// <summary>A step or a queue names a dependency that was not added.</summary>
    public const string UnknownDependency = "PRD4011";

    /// <summary>A flow takes a service that is not registered.</summary>
    public const string MissingService = "PRD4012";

    // 6xxx: events

    /// <summary>There is no event type of this name.</summary>
    public const string UnknownEvent = "PRD6001";

    /// <summary>An event's type has a key, and the event has none.</summary>
    public const string EventKeyMissing = "PRD6002";

    /// <summary>Another event has the same id.</summary>
    public const string EventConflict = "PRD6003";

    /// <summary>An event's time is ahead of this node's clock.</summary>
    public const string EventAhead = "PRD6004";

    /// <summary>What should be a CloudEvent cannot be read as one.</summary>
    public const string BadCloudEvent = "PRD6005";

    /// <summary>There is no subscription of this name.</summary>
    public const string UnknownSubscription = "PRD6006";

    /// <summary>No flow took an event in time.</summary>
    public const string EventUnclaimed = "PRD6007";

    /// <summary>More flows wait for an event than are expected.</summary>
    public const string EventAmbiguous = "PRD6008";

    /// <summary>The store has a subscription that no code has.</summary>
    public const string SubscriptionGone = "PRD6009";

    /// <summary>A flow waits for an event of a type that is not held for flows.</summary>
    public const string EventNotAwaitable = "PRD6010";

    // 7xxx: bridges to other brokers

    /// <summary>A bridge has no connection to its broker.</summary>
    public const string BrokerUnreachable = "PRD7001";

    /// <summary>A bridge is configured in a way that cannot work.</summary>
    public const string BadBridge = "PRD7002";

    /// <summary>The broker refuses what a bridge declares or uses.</summary>
    public const string BrokerRefuses = "PRD7003";

    /// <summary>The broker did not take an event.</summary>
    public const string EventNotTaken = "PRD7004";

    /// <summary>A message that came in was set aside.</summary>
    public const string MessageSetAside = "PRD7005";

    // 8xxx: PostgreSQL

    /// <summary>The PostgreSQL server cannot be reached, or lets nobody in.</summary>
    public const string PostgresUnreachable = "PRD8001";

    /// <summary>The PostgreSQL server or database cannot hold a store.</summary>
    public const string PostgresUnfit = "PRD8002";

    /// <summary>The store's schema is missing or old, and was not migrated.</summary>
    public const string PostgresNotMigrated = "PRD8003";

    /// <summary>PostgreSQL does not write or read now.</summary>
    public const string PostgresRefuses = "PRD8004";

    /// <summary>The connection to PostgreSQL ended in a transaction whose outcome is unknown.</summary>
    public const string PostgresOutcomeUnknown = "PRD8005";

    /// <summary>Something needs PostgreSQL as the store, and it is another one.</summary>
    public const string NotPostgres = "PRD8006";

    // 5xxx: stores

    /// <summary>Another process has the store open.</summary>
    public const string StoreInUse = "PRD5001";

    /// <summary>The store cannot be written: read-only, no permission, or no folder.</summary>
    public const string StoreNotWritable = "PRD5002";

    /// <summary>The store is damaged, or is no store of ours.</summary>
    public const string StoreDamaged = "PRD5003";

    /// <summary>The store was made by a newer version of this library.</summary>
    public const string StoreTooNew = "PRD5004";

    /// <summary>The store failed in a way that leaves the outcome unknown.</summary>
    public const string StoreFailed = "PRD5005";

    /// <summary>The disk is full.</summary>
    public const string StoreFull = "PRD5006";

    /// <summary>A node was not heard of for the length of its lease, and has lost its shards.</summary>
    public const string NodeGone = "PRD5007";

    /// <summary>There is a store already where a copy was to go.</summary>
    public const string StoreNotEmpty = "PRD5008";

    /// <summary>A copy of a store differs from its source.</summary>
    public const string CopyDiffers = "PRD5009";
}
