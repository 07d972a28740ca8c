namespace Perdure.Storage;

/// <summary>Makes the answers to a group of batches, of which all are committed or none.</summary>
public static class CommitGroup
{
    /// <summary>Every batch of the group is durable.</summary>
    public static CommitAnswer[] Committed(int count)
    {
        CommitAnswer[] answers = new CommitAnswer[count];
        Array.Fill(answers, CommitAnswer.Committed);
        return answers;
    }

    /// <summary>The store takes none of the group now.</summary>
    public static CommitAnswer[] NotNow(int count, string reason)
    {
        CommitAnswer[] answers = new CommitAnswer[count];
        Array.Fill(answers, NotNow(reason));
        return answers;
    }

    /// <summary>One batch is refused for what it holds; the others may be committed without it.</summary>
    public static CommitAnswer[] Refused(int count, int refused, string reason)
    {
        CommitAnswer[] answers = NotNow(count, "another batch of the group was refused");
        answers[refused] = new CommitAnswer(CommitOutcome.Refused, reason);
        return answers;
    }

    /// <summary>The answer to a batch whose shard somebody else has.</summary>
    public static CommitAnswer Fenced(ShardBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ShardLease lease = batch.Lease;
        return new CommitAnswer(CommitOutcome.Fenced, $"shard {lease.Shard} is no longer held under epoch {lease.Epoch} at batch {batch.Number - 1}");
    }

    /// <summary>The answer to a batch that may be committed later.</summary>
    public static CommitAnswer NotNow(string reason) => new(CommitOutcome.NotNow, reason);
}
