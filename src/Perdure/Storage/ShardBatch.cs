namespace Perdure.Storage;

/// <summary>A node's right to a shard. The epoch and the token fence whoever held it before.</summary>
/// <param name="Shard">The shard.</param>
/// <param name="Epoch">One more than its last owner's.</param>
/// <param name="Token">Random per takeover.</param>
/// <param name="Batch">The number of the last batch that was committed.</param>
/// <param name="Time">The shard's time: that of its last batch.</param>
/// <param name="UncleanEnds">How many owners in a row, this one not counted, ended without releasing it or recovering from that.</param>
/// <param name="Suspect">What was running alone when the last owner died, in careful mode.</param>
public sealed record ShardLease(int Shard, long Epoch, Guid Token, long Batch, DateTimeOffset Time, int UncleanEnds, Suspect? Suspect);

/// <summary>What a shard in careful mode is about to run.</summary>
/// <param name="Run">The run.</param>
/// <param name="Ask">The step's ask; -1 for the flow's own code.</param>
/// <param name="Deaths">In how many deaths of its process it was the one that ran.</param>
public sealed record Suspect(long Run, int Ask, int Deaths);

/// <summary>What one shard's turns decided: all of it is committed, or none.</summary>
/// <remarks>
/// A store begins with the fence: the shard's row moves from batch <c>Number - 1</c> to <c>Number</c> under this epoch and token,
/// and takes <see cref="Time"/>; where no row moves, nothing is committed and the answer is <see cref="CommitOutcome.Fenced"/>.
/// All rows are of the batch's own shard but those of <see cref="Sent"/>: a run's number is of one shard only, and so is a job's.
/// Then flows are inserted before their states are updated, and history rows before their decisions are. Back-offs are upserted, then
/// ended ones deleted. A message in <see cref="Sent"/> whose id the receiver's inbox already holds is passed over.
/// Jobs are inserted, then updated; their ends are written, taking the payload along from the job's row where it is kept; then ended
/// jobs are deleted, and then ends that are forgotten. Events are inserted, then their states are updated; a delivery that is there
/// already is replaced; waits for events begin, then others end; events are forgotten last. Deleting what is not there is no error.
/// A batch is its sender's again once it is answered: a store that keeps something of it keeps a copy.
/// </remarks>
public sealed class ShardBatch(ShardLease lease, long number, DateTimeOffset time)
{
    private const int KeptRowsMax = 256;

    /// <summary>Under which lease.</summary>
    public ShardLease Lease { get; } = lease;

    /// <summary>One more than the shard's last batch.</summary>
    public long Number { get; set; } = number;

    /// <summary>The shard's time, in whole microseconds; never before its last batch's.</summary>
    public DateTimeOffset Time { get; set; } = time;

    /// <summary>Runs that start.</summary>
    public List<FlowRow> NewFlows { get; } = [];

    /// <summary>Runs whose state changes, each run at most once; the run may be one of <see cref="NewFlows"/>.</summary>
    public List<FlowUpdate> Updates { get; } = new(1);

    /// <summary>Inputs, in order within each run.</summary>
    public List<HistoryRow> History { get; } = [];

    /// <summary>History rows written earlier as undecided, now with <see cref="HistoryRow.Asks"/> and <see cref="HistoryRow.Result"/> set.</summary>
    public List<HistoryRow> Decided { get; } = [];

    /// <summary>Back-offs that begin or go on.</summary>
    public List<BackoffRow> Backoffs { get; } = [];

    /// <summary>Back-offs that are over.</summary>
    public List<(long Run, int Ask)> EndedBackoffs { get; } = [];

    /// <summary>Messages to other shards.</summary>
    public List<InboxRow> Sent { get; } = [];

    /// <summary>Ids of this shard's inbox messages that were consumed.</summary>
    public List<string> Received { get; } = [];

    /// <summary>Which of <see cref="Received"/> a job took in, and which job; 0 for an event. Where the batch is taken apart, they stay together.</summary>
    internal List<(string Id, long Job)> ReceivedByJobs { get; } = [];

    /// <summary>Which of <see cref="Memos"/> say something of a job that comes, and which job: where the batch is taken apart, they stay together.</summary>
    internal List<(string Memo, long Job)> MemosOfJobs { get; } = [];

    /// <summary>Jobs with rows that end together with something else that they asked for, and jobs that they asked for: where the batch is taken apart, all of that is left out.</summary>
    internal List<long> JobsWithEffects { get; } = [];

    /// <summary>Jobs that come.</summary>
    public List<JobRow> NewJobs { get; } = [];

    /// <summary>Jobs whose state changes, each job at most once; the job may be one of <see cref="NewJobs"/>.</summary>
    public List<JobUpdate> JobUpdates { get; } = [];

    /// <summary>Ends of jobs that are kept; one that is there already is replaced.</summary>
    public List<JobEndRow> JobEnds { get; } = [];

    /// <summary>Numbers of jobs that have ended, kept or not: their rows go.</summary>
    public List<long> EndedJobs { get; } = [];

    /// <summary>Numbers of jobs whose ends are forgotten.</summary>
    public List<long> ForgottenJobs { get; } = [];

    /// <summary>What the home remembers from now on, each name at most once.</summary>
    public List<MemoRow> Memos { get; } = [];

    /// <summary>Events that come into the logs of topics, in order within each topic.</summary>
    public List<EventRow> NewEvents { get; } = [];

    /// <summary>Events whose state changes; one may be of <see cref="NewEvents"/>. Of several about one event the last counts.</summary>
    public List<EventUpdate> EventUpdates { get; } = [];

    /// <summary>Events that subscriptions are done with.</summary>
    public List<DeliveryRow> Deliveries { get; } = [];

    /// <summary>Flows that begin to wait for events. One that waits already is passed over.</summary>
    public List<EventWaitRow> EventWaits { get; } = [];

    /// <summary>Flows that no longer wait for events.</summary>
    public List<ParentRef> EndedEventWaits { get; } = [];

    /// <summary>Events that are forgotten.</summary>
    public List<ForgottenEvents> ForgottenEvents { get; } = [];

    /// <summary>What the shard is about to run in careful mode; null leaves what is stored.</summary>
    public Suspect? Suspect { get; set; }

    /// <summary>Whether the shard has recovered from its unclean ends: their count and the suspect are cleared.</summary>
    public bool Recovered { get; set; }

    /// <summary>How many inputs it holds that set something going, at least one: what they cause comes back soon after the commit, and by that the next one is sized. The end of a job causes nothing.</summary>
    internal int Inputs => Math.Max(1, History.Count + NewJobs.Count + NewEvents.Count);

    /// <summary>Empties it, to be filled anew under the same lease; false if it has grown too large to be kept.</summary>
    internal bool TryEmpty()
    {
        if (History.Capacity > KeptRowsMax || NewJobs.Capacity > KeptRowsMax || EndedJobs.Capacity > KeptRowsMax || ForgottenJobs.Capacity > KeptRowsMax
            || NewEvents.Capacity > KeptRowsMax || Deliveries.Capacity > KeptRowsMax)
        {
            return false;
        }

        NewFlows.Clear();
        Updates.Clear();
        History.Clear();
        Decided.Clear();
        Backoffs.Clear();
        EndedBackoffs.Clear();
        Sent.Clear();
        Received.Clear();
        ReceivedByJobs.Clear();
        JobsWithEffects.Clear();
        NewJobs.Clear();
        JobUpdates.Clear();
        JobEnds.Clear();
        EndedJobs.Clear();
        ForgottenJobs.Clear();
        Memos.Clear();
        NewEvents.Clear();
        EventUpdates.Clear();
        Deliveries.Clear();
        EventWaits.Clear();
        EndedEventWaits.Clear();
        ForgottenEvents.Clear();
        MemosOfJobs.Clear();
        Suspect = null;
        Recovered = false;
        return true;
    }
}

/// <summary>A run's new state.</summary>
/// <param name="Run">The run.</param>
/// <param name="State">Its state from now on.</param>
public readonly record struct FlowUpdate(long Run, FlowState State);

/// <summary>What became of a batch.</summary>
public enum CommitOutcome
{
    /// <summary>It is durable.</summary>
    Committed,

    /// <summary>Somebody else has the shard: nothing was written.</summary>
    Fenced,

    /// <summary>The store cannot take one of its values, now or later: nothing was written.</summary>
    Refused,

    /// <summary>Nothing was written, but the same batch may be committed later: another batch of the group was at fault, or the disk is full.</summary>
    NotNow,
}

/// <summary>A store's answer to one batch.</summary>
/// <param name="Outcome">What became of it.</param>
/// <param name="Reason">Why it was not committed, in words.</param>
public readonly record struct CommitAnswer(CommitOutcome Outcome, string? Reason = null)
{
    /// <summary>The answer to a batch that is durable.</summary>
    public static readonly CommitAnswer Committed = new(CommitOutcome.Committed);
}
