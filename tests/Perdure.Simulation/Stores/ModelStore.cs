using System.Text;
using Perdure.Engine;
using Perdure.Simulation.Seen;
using Perdure.Storage;
using Perdure.Testing.Virtual;

namespace Perdure.Simulation.Stores;

/// <summary>
/// The store that all processes share. It has a place of its own, so a call that is on its way when its process dies still
/// arrives. It says who may take which shard, as leases will, and writes down what it commits.
/// </summary>
internal sealed class ModelStore(World world, Observed observed, int shards, bool hasHome)
{
    /// <summary>What a value ends with that the store does not take.</summary>
    public const string Poison = "!poison";

    private static readonly byte[] PoisonBytes = Encoding.UTF8.GetBytes(Poison);

    private readonly string?[] _granted = new string?[shards + 1];
    private readonly HashSet<string> _waiting = new(StringComparer.Ordinal);
    private readonly string?[] _holders = new string?[shards + 1];

    public MemoryStore Memory { get; } = new();

    public Place Place { get; } = world.NewPlace("store");

    /// <summary>What has its place, and is not durable yet.</summary>
    public PlacedGroups Placed { get; } = new(new ReplayRandom(ReplayRandom.Mix(world.Seed ^ 0x91_ACED)), observed);

    public StoreFaults Faults { get; } = StoreFaults.Of(new ReplayRandom(ReplayRandom.Mix(world.Seed ^ 0x57_04E)));

    /// <summary>How many shards there are for flows.</summary>
    public int Shards => shards;

    /// <summary>How many there are with that of the queues.</summary>
    public int AllShards => shards + (hasHome ? 1 : 0);

    /// <summary>Whether a message between flows waits in an inbox.</summary>
    public bool HasMessages => Enumerable.Range(0, AllShards).Any(s => Inbox(s).Count > 0);

    /// <summary>Whether there are jobs that have not ended.</summary>
    public bool HasJobs => hasHome && Now(Memory.ReadJobsAsync(shards, long.MinValue, 1, CancellationToken.None)).Count > 0;

    /// <summary>Whether a schedule goes on making jobs.</summary>
    public bool HasSchedules => hasHome && Now(Memory.ReadMemosAsync(shards, CancellationToken.None)).Any(m => m.Name.StartsWith("schedule/", StringComparison.Ordinal) && m.Value.AsSpan().IndexOf("\"Paused\":true"u8) < 0);

    /// <summary>Lets a process, and no other one, take a shard from now on.</summary>
    public void Grant(int shard, string process) => _granted[shard] = process;

    public string? HolderOf(int shard) => _holders[shard];

    /// <summary>Somebody takes a shard, and is never heard of again.</summary>
    public void TakeByStranger(int shard)
    {
        Take("stranger", [shard], world.Chance.NextGuid());
        observed.Mark("a shard was taken by a stranger");
    }

    /// <summary>The shards where a message waits that waited at the last call already.</summary>
    public IEnumerable<int> ForgottenMessages()
    {
        HashSet<string> before = [.. _waiting];
        _waiting.Clear();
        _waiting.UnionWith(Enumerable.Range(0, AllShards).SelectMany(Inbox).Select(m => m.Id));
        return [.. Enumerable.Range(0, AllShards).Where(s => Inbox(s).Any(m => before.Contains(m.Id)))];
    }

    public IReadOnlyList<ShardLease> Take(string process, IReadOnlyList<int> wanted, Guid token)
    {
        if (process != "stranger" && wanted.Any(s => _granted[s] != process))
        {
            throw new StoreException(Diagnostics.ErrorCodes.StoreFailed, "the lease is another process's");
        }

        Placed.SyncAll(); // a take is written after all that was placed before it
        IReadOnlyList<ShardLease> leases = Now(Memory.TakeShardsAsync(wanted, token, CancellationToken.None));
        foreach (ShardLease lease in leases)
        {
            if (_holders[lease.Shard] is { } before && before != process && process != "stranger")
            {
                observed.Mark("a shard went from one process to another");
            }

            _holders[lease.Shard] = process;
            observed.Takes.Add(new TakenShard(observed.Next(), process, lease.Shard, lease.Epoch));
            world.Trace.Note($"{process} takes shard {lease.Shard} under epoch", lease.Epoch);
        }

        return leases;
    }

    public void Release(IReadOnlyList<ShardLease> leases)
    {
        Placed.SyncAll();
        Memory.ReleaseShardsAsync(leases, CancellationToken.None).GetAwaiter().GetResult();
    }

    public IReadOnlyList<CommitAnswer> Commit(string process, IReadOnlyList<ShardBatch> batches)
    {
        Placed.SyncAll(process);
        return RefusalOf(process, batches) ?? Write(process, batches);
    }

    /// <summary>Gives a group its place; it is durable later, or lost with its process.</summary>
    /// <param name="process">Whose it is.</param>
    /// <param name="batches">What it writes.</param>
    /// <param name="written">Told when it is durable.</param>
    /// <returns>Null when it is to be committed at once.</returns>
    public PlacedGroup? TryPlace(string process, IReadOnlyList<ShardBatch> batches, Action written)
    {
        if (Faults.IsFull || batches.Any(b => !Admits(b)) || batches.Any(b => IsRefused(b) is not null))
        {
            return null;
        }

        return Placed.TryPlace(process, batches, () =>
        {
            if (Write(process, batches).Any(a => a.Outcome != CommitOutcome.Committed))
            {
                observed.Odd($"{process}: a group that had its place was not committed");
            }

            written();
        });
    }

    private bool Admits(ShardBatch batch) => Memory.Admits(batch, Placed.Waiting(batch.Lease.Shard));

    private CommitAnswer[]? RefusalOf(string process, IReadOnlyList<ShardBatch> batches)
    {
        if (Faults.IsFull)
        {
            observed.Mark("the disk was full");
            return CommitGroup.NotNow(batches.Count, "the disk is full");
        }

        for (int i = 0; i < batches.Count; i++)
        {
            if (IsRefused(batches[i]) is { } what)
            {
                foreach (HistoryRow poison in batches[i].History.Where(static h => IsPoison(h.Payload)))
                {
                    observed.Refused[(poison.Run, process)] = observed.Refused.GetValueOrDefault((poison.Run, process)) + 1;
                }

                observed.Mark(what);
                return CommitGroup.Refused(batches.Count, i, "poison");
            }
        }

        return null;
    }

    /// <summary>What of a batch the store does not take; null for nothing.</summary>
    private string? IsRefused(ShardBatch batch)
    {
        bool isOfJobs = hasHome && batch.Lease.Shard == shards;
        if (isOfJobs && (batch.JobEnds.Exists(static e => IsPoison(e.Result)) || batch.Sent.Exists(static m => IsPoison(m.Payload))))
        {
            return "a job's result was refused";
        }

        return batch.History.Exists(static h => IsPoison(h.Payload)) ? "a value was refused" : null;
    }

    private IReadOnlyList<CommitAnswer> Write(string process, IReadOnlyList<ShardBatch> batches)
    {
        IReadOnlyList<CommitAnswer> answers = Now(Memory.CommitAsync(batches, CancellationToken.None));
        for (int i = 0; i < batches.Count; i++)
        {
            if (answers[i].Outcome == CommitOutcome.Committed)
            {
                Log(process, batches[i]);
            }
            else if (answers[i].Outcome == CommitOutcome.Fenced)
            {
                observed.Mark("a batch of an earlier owner was fenced");
            }
            else if (answers[i].Outcome == CommitOutcome.Refused)
            {
                observed.Odd($"{process}: shard {batches[i].Lease.Shard} batch {batches[i].Number} contradicts what is stored: {answers[i].Reason}");
            }
        }

        return answers;
    }

    /// <summary>The memory store answers before it returns.</summary>
    public static T Now<T>(Task<T> answer) => answer.GetAwaiter().GetResult();

    private static bool IsPoison(byte[]? value) => value.AsSpan().IndexOf(PoisonBytes) >= 0;

    private IReadOnlyList<InboxRow> Inbox(int shard) => Now(Memory.ReadInboxAsync(shard, CancellationToken.None));

    private void Log(string process, ShardBatch batch)
    {
        long order = observed.Next();
        observed.Batches.Add(CommittedBatch.Of(order, process, batch));
        if (world.Trace.Line is not null)
        {
            string rows = string.Join("; ", batch.History.Select(h => $"{h.Run & 0xFFFFFFFF:x}[{h.Position}] {h.Kind} {h.Ask} {h.Name} => {h.Asks?.Replace('\n', '|') ?? "?"}"));
            string news = string.Join(' ', batch.NewFlows.Select(f => $"+{f.Key}={f.Run & 0xFFFFFFFF:x}"));
            string states = string.Join(' ', batch.Updates.Select(u => $"{u.Run & 0xFFFFFFFF:x}:{u.State.Status}@{u.State.WakeAt:T}"));
            string messages = $"{string.Join(' ', batch.Sent.Select(m => $">{m.Kind} {m.Id}"))} {string.Join(' ', batch.Received.Select(m => $"<{m}"))}";
            messages += JobLines.Of(batch);
            world.Trace.Note($"commit by {process} shard {batch.Lease.Shard}.{batch.Lease.Epoch}: {news} {rows} {states} {messages}", batch.Number);
        }
        else
        {
            world.Trace.Note("commit", batch.Number);
        }
    }
}
