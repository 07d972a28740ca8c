using Perdure.Storage;

namespace Perdure.Testing.Running;

/// <summary>The store as one process of a test world sees it.</summary>
internal sealed class TestStore(MemoryStore inner, Func<bool> isDead, ICommitWatch? watch) : ProcessStore(inner)
{
    protected override bool IsDead => isDead();

    public override async Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<ShardBatch> batches, CancellationToken cancellationToken)
    {
        watch?.Committing(batches);
        IReadOnlyList<CommitAnswer> answers = await base.CommitAsync(batches, cancellationToken);
        watch?.Committed(batches);
        return await Alive(() => Task.FromResult(answers));
    }
}

/// <summary>Sees each commit, before and after; the process may die in either.</summary>
internal interface ICommitWatch
{
    void Committing(IReadOnlyList<ShardBatch> batches);

    void Committed(IReadOnlyList<ShardBatch> batches);
}
