using Perdure.Cluster;
using Perdure.Diagnostics;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>Group commit: while groups of batches commit, the batches of a loop's shards stay open and grow for the next.</summary>
/// <remarks>
/// <para>
/// Two groups may be under way, so that the store can build one while the disk takes the other. The first call that hands a group to
/// the store is made on a loop's thread, by one loop at a time, and the group is of that loop's shards; a group that is tried again is
/// handed over by who hears that it must be.
/// </para>
/// <para>
/// A commit costs much by itself, so fewer and larger ones cost less for each input. What one commit has set going comes back soon after it:
/// while a group is under way the next one waits until it has three quarters of its size, and when none is, until it has half of the last one's, for
/// a millisecond at most: so groups of like size come to take turns. One whose inputs come a few at a time never waits.
/// </para>
/// <para>
/// A group is all or nothing. When one of its batches is at fault, that one is answered and the others are tried again at once. When
/// the store cannot write now (a full disk), the group waits and tries again. When the store throws, the outcome of the whole group is unknown.
/// </para>
/// </remarks>
internal sealed class Committer(IStore store, Seams seams, StoreOutage outage, Action<bool> wakeLoops)
{
    private static readonly TimeSpan PauseMin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(5);

    private const int GroupsMax = 2;
    private const int HoldFrom = 8;
    private static readonly TimeSpan HoldMax = TimeSpan.FromMilliseconds(1);

    private readonly Lock _lock = new();
    private int _groups;
    private int _paused;
    private int _inputsUnderWay;
    private int _last;
    private bool _isWriting;
    private bool _turnedAway;
    private bool _holds;
    private bool _heldLongEnough;
    private int _wanted;

    /// <summary>
    /// How many messages make it worth to wake a loop. While nothing is under way, or the store has no room, that is each one; else what they cause
    /// could not be committed yet, and half of what is under way is soon enough. A group's end wakes the loops that have mail, or
    /// something open.
    /// </summary>
    public int Wanted => Volatile.Read(ref _wanted);

    /// <summary>
    /// Whether the next group begins now, with the inputs that a loop has open. If so the loop seals its batches and hands them to <see cref="Commit"/>; if
    /// not, they go on gathering, and the loop is woken when it is time to ask again. On a loop's thread.
    /// </summary>
    public bool TryBegin(int open)
    {
        lock (_lock)
        {
            if (open > 0 && !_isWriting && _groups < GroupsMax && open >= Least())
            {
                return _isWriting = true;
            }

            _turnedAway |= _isWriting && open > 0;
            WantEnough();
            if (_groups == 0 && open > 0 && !_holds)
            {
                _holds = true;
                _ = EndHoldAsync();
            }

            return false;
        }
    }

    /// <summary>Hands batches of shards, whose last ones have their place, to the store. On the thread of the loop that has begun the group.</summary>
    public void Commit(List<SealedBatch> batches)
    {
        Group group = new(batches, batches.Sum(static b => b.Batch.Inputs));
        lock (_lock)
        {
            _groups++;
            _inputsUnderWay += group.Inputs;
            _last = group.Inputs;
            _heldLongEnough = false;
        }

        _ = CommitAsync(group);
        bool wakes;
        lock (_lock)
        {
            _isWriting = false;
            (wakes, _turnedAway) = (_turnedAway, false);
            WantEnough();
        }

        if (wakes)
        {
            wakeLoops(true);
        }
    }

    /// <summary>Says how many messages are worth a wake-up. Under the lock.</summary>
    private void WantEnough() => _wanted = _groups == 0 || _paused > 0 ? 0 : Math.Max(1, _inputsUnderWay / 2);

    /// <summary>How many inputs the next group is to have.</summary>
    private int Least()
    {
        if (_groups > 0)
        {
            return _inputsUnderWay * 3 / 4;
        }

        return _last < HoldFrom || _heldLongEnough ? 0 : _last / 2;
    }

    private async Task EndHoldAsync()
    {
        await seams.Pause(HoldMax, CancellationToken.None);
        lock (_lock)
        {
            _holds = false;
            _heldLongEnough = true;
        }

        wakeLoops(true);
    }

    private async Task CommitAsync(Group group)
    {
        List<SealedBatch> batches = group.Batches;
        TimeSpan pause = TimeSpan.Zero;
        while (batches.Count > 0)
        {
            IReadOnlyList<CommitAnswer> answers;
            try
            {
                answers = await store.CommitAsync(batches.ConvertAll(static b => b.Batch), () => batches.ForEach(static b => b.IsPlaced()), CancellationToken.None);
            }
            catch (Exception e)
            {
                var reason = e as PerdureException ?? new StoreException(ErrorCodes.StoreFailed, $"the store failed in a commit: {e.Message}", e);
                outage.Failed(group, reason);
                batches.ForEach(outage.Hold); // until their shards have been taken again
                IsOver(group);
                batches.ForEach(b => b.Answered(null, reason));
                break;
            }

            if (answers.All(static a => a.Outcome != CommitOutcome.NotNow))
            {
                IsOver(group); // before the answers: who hears one may look for a place
            }

            List<SealedBatch> again = Answer(batches, answers);
            if (again.Count == batches.Count)
            {
                pause = pause == TimeSpan.Zero ? PauseMin : TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, PauseMax.Ticks));
                outage.Failed(group, answers[0].Reason ?? "no reason given");
                await PauseAsync(pause);
            }

            batches = again;
        }

        outage.Ended(group);
        wakeLoops(false);
    }

    /// <summary>Waits for room. Nobody knows how long that takes, so what needs no commit must not wait for it.</summary>
    private async Task PauseAsync(TimeSpan pause)
    {
        lock (_lock)
        {
            _paused++;
        }

        WantAll();
        wakeLoops(false);
        await seams.Delay(pause, CancellationToken.None);
        lock (_lock)
        {
            _paused--;
        }
    }

    private void IsOver(Group group)
    {
        lock (_lock)
        {
            _groups--;
            _inputsUnderWay -= group.Inputs;
        }

        WantAll();
    }

    /// <summary>Comes before the look at who has mail: a fence on both sides, so that no message is missed.</summary>
    private void WantAll() => Interlocked.Exchange(ref _wanted, 0);

    private List<SealedBatch> Answer(List<SealedBatch> group, IReadOnlyList<CommitAnswer> answers)
    {
        List<IThreadPoolWorkItem> work = [];
        List<IThreadPoolWorkItem> answered = []; // answers to calls go last: what their clients ask for next would only add to what waits to start
        for (int i = 0; i < group.Count; i++)
        {
            if (answers[i].Outcome == CommitOutcome.Committed)
            {
                group[i].Free.ForEach(e => e.Release(e is IAnswer ? answered : work));
            }
        }

        List<SealedBatch> again = [];
        for (int i = 0; i < group.Count; i++)
        {
            if (answers[i].Outcome == CommitOutcome.NotNow)
            {
                again.Add(group[i]);
            }
            else
            {
                group[i].Answered(answers[i], null);
            }
        }

        work.AddRange(answered);
        seams.RunAll(work); // the loops are under way by now: what they have open waits for nothing else
        return again;
    }
}

/// <summary>Batches that are committed together.</summary>
internal sealed record Group(List<SealedBatch> Batches, int Inputs);
