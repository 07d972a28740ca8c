using Microsoft.Extensions.Logging;
using Perdure.Diagnostics;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>
/// Group commit: while one group of batches commits, the batches of all shards that come meanwhile gather for the next.
/// </summary>
/// <remarks>
/// When many work side by side, what one commit has set going comes back soon after it. So after a group of some size the next one waits until
/// a quarter of that has gathered again, for a millisecond at most: fewer, larger commits cost less for each input. One who works alone never waits.
/// A group is all or nothing. When one of its batches is at fault, that one is answered and the others are tried again at once. When
/// the store cannot write now (a full disk), the group waits and tries again. When the store throws, the outcome of the whole group is unknown.
/// </remarks>
internal sealed class Committer(IStore store, Seams seams, ILogger log)
{
    private static readonly TimeSpan PauseMin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(5);

    private const int HoldFrom = 8;
    private static readonly TimeSpan HoldMax = TimeSpan.FromMilliseconds(1);

    private readonly Lock _lock = new();
    private List<SealedBatch> _gathering = [];
    private bool _committing;
    private TaskCompletionSource? _held;
    private int _gathered;
    private int _wanted;

    /// <summary>Takes batches of shards that have none in flight. From any thread.</summary>
    public void Submit(List<SealedBatch> batches)
    {
        lock (_lock)
        {
            _gathering.AddRange(batches);
            batches.ForEach(b => _gathered += b.Batch.History.Count);
            if (_committing)
            {
                if (_held is not null && _gathered >= _wanted)
                {
                    _held.TrySetResult();
                    _held = null;
                }

                return;
            }

            _committing = true;
        }

        _ = CommitAllAsync();
    }

    private async Task CommitAllAsync()
    {
        int last = 0;
        while (true)
        {
            await HoldAsync(last);
            List<SealedBatch> group;
            lock (_lock)
            {
                _held = null;
                if (_gathering.Count == 0)
                {
                    _committing = false;
                    return;
                }

                group = _gathering;
                _gathering = [];
                last = _gathered;
                _gathered = 0;
            }

            await CommitGroupAsync(group);
        }
    }

    /// <summary>Waits until a quarter as many inputs have gathered as the last group had, or the time for that is up.</summary>
    private async Task HoldAsync(int last)
    {
        TaskCompletionSource held;
        lock (_lock)
        {
            _wanted = last / 4;
            if (last < HoldFrom || _gathered >= _wanted)
            {
                return;
            }

            held = _held = new TaskCompletionSource(seams.Continuations);
        }

        using var over = new CancellationTokenSource();
        await Task.WhenAny(held.Task, seams.Pause(HoldMax, over.Token));
        over.Cancel();
    }

    private async Task CommitGroupAsync(List<SealedBatch> group)
    {
        TimeSpan pause = TimeSpan.Zero;
        while (group.Count > 0)
        {
            IReadOnlyList<CommitAnswer> answers;
            try
            {
                answers = await store.CommitAsync(group.ConvertAll(static b => b.Batch), CancellationToken.None);
            }
            catch (Exception e)
            {
                var reason = e as PerdureException ?? new StoreException(ErrorCodes.StoreFailed, $"the store failed in a commit: {e.Message}", e);
                group.ForEach(b => b.Answered(null, reason));
                return;
            }

            List<SealedBatch> again = Answer(group, answers);
            if (again.Count == group.Count)
            {
                pause = pause == TimeSpan.Zero ? PauseMin : TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, PauseMax.Ticks));
                log.CommitPaused(group.Count, pause, answers[0].Reason ?? "no reason given");
                await seams.Delay(pause, CancellationToken.None);
            }

            group = again;
        }
    }

    private static List<SealedBatch> Answer(List<SealedBatch> group, IReadOnlyList<CommitAnswer> answers)
    {
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

        return again;
    }
}

/// <summary>A batch on its way to the store, and later the message that brings its answer back to its shard.</summary>
internal sealed class SealedBatch(Shard shard, ShardBatch batch, List<IEffect> effects) : Message
{
    private CommitAnswer? _answer;
    private PerdureException? _unknown;

    public ShardBatch Batch => batch;

    public List<IEffect> Effects => effects;

    /// <summary>Brings the answer back; none when the outcome is unknown.</summary>
    public void Answered(CommitAnswer? answer, PerdureException? unknown)
    {
        _answer = answer;
        _unknown = unknown;
        shard.Post(this);
    }

    public override void Handle() => Shard.Commits.Answered(this, _answer, _unknown);
}
