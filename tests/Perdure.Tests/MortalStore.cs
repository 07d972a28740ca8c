using Perdure.Storage;
using Perdure.Testing.Running;

namespace Perdure.Tests;

/// <summary>A process's store that a test lets die, refuse, be full or answer wrongly.</summary>
internal sealed class MortalStore(IStore inner) : ProcessStore(inner)
{
    private volatile bool _dead;

    /// <summary>Is asked before each commit: whether the process dies now.</summary>
    public Func<IReadOnlyList<ShardBatch>, bool>? DieBeforeCommit { get; set; }

    /// <summary>Is asked after each commit: whether the process dies before it hears of it.</summary>
    public Func<IReadOnlyList<ShardBatch>, bool>? DieAfterCommit { get; set; }

    /// <summary>Gives another answer than the store, or throws.</summary>
    public Func<IReadOnlyList<ShardBatch>, IReadOnlyList<CommitAnswer>, IReadOnlyList<CommitAnswer>>? Answer { get; set; }

    /// <summary>Is asked of each batch: whether the store cannot take it.</summary>
    public Func<ShardBatch, bool>? RefuseBatch { get; set; }

    /// <summary>Is asked before each commit: whether there is no room for it now.</summary>
    public Func<IReadOnlyList<ShardBatch>, bool>? IsFull { get; set; }

    /// <summary>Is awaited after events of a log were read, before who asked hears of them.</summary>
    public Func<string, long, int, Task>? AfterReadEvents { get; set; }

    protected override bool IsDead => _dead;

    public void Die() => _dead = true;

    public override async Task<IReadOnlyList<EventRow>> ReadEventsAsync(int shard, string topic, long after, int limit, CancellationToken cancellationToken)
    {
        IReadOnlyList<EventRow> rows = await base.ReadEventsAsync(shard, topic, after, limit, cancellationToken);
        await (AfterReadEvents?.Invoke(topic, after, limit) ?? Task.CompletedTask);
        return rows;
    }

    public override async Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<ShardBatch> batches, CancellationToken cancellationToken)
    {
        if (RefuseBatch is { } refuse && batches.Any(refuse))
        {
            return [.. batches.Select(b => new CommitAnswer(refuse(b) ? CommitOutcome.Refused : CommitOutcome.NotNow, "a bad value"))];
        }

        if (IsFull?.Invoke(batches) ?? false)
        {
            return [.. batches.Select(_ => new CommitAnswer(CommitOutcome.NotNow, "no room"))];
        }

        _dead |= DieBeforeCommit?.Invoke(batches) ?? false;
        IReadOnlyList<CommitAnswer> answers = await base.CommitAsync(batches, cancellationToken);
        _dead |= DieAfterCommit?.Invoke(batches) ?? false;
        return await Alive(() => Task.FromResult(Answer?.Invoke(batches, answers) ?? answers));
    }
}
