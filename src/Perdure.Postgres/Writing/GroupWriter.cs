using Npgsql;
using Perdure.Storage;

namespace Perdure.Postgres.Writing;

/// <summary>Turns batches into the statements of one transaction, which go to the server in one round trip. Used by one commit at a time.</summary>
internal sealed class GroupWriter
{
    private readonly Fence _fence;
    private readonly RowStatement[] _statements;

    public GroupWriter(string schema)
    {
        _fence = new Fence(schema);

        // In the order that a batch asks for: what is inserted is there for what updates it, and what ends takes from what is not yet deleted.
        _statements =
        [
            new ShardNotes(schema),
            new InsertFlows(schema), new UpdateFlows(schema), new InsertHistory(schema), new DecideHistory(schema), new PutBackoffs(schema), new EndBackoffs(schema),
            new SendMessages(schema), new ReceiveMessages(schema),
            new InsertJobs(schema), new UpdateJobs(schema), new PutJobEnds(schema),
            new DeleteJobs(schema, "job", static batch => batch.EndedJobs), new DeleteJobs(schema, "job_end", static batch => batch.ForgottenJobs),
            new PutMemos(schema), new DeleteMemos(schema),
            new InsertEvents(schema), new UpdateEvents(schema), new PutDeliveries(schema), new BeginEventWaits(schema), new EndEventWaits(schema),
            new ForgetEvents(schema, "event"), new ForgetEvents(schema, "delivery"),
        ];
    }

    /// <summary>Fills a command with what fences batches and writes their rows.</summary>
    public void FillAll(NpgsqlBatch command, IReadOnlyList<ShardBatch> batches)
    {
        FillFence(command, batches);
        FillRows(command, batches);
    }

    /// <summary>Fills a command with what fences batches. Always the first of its transaction.</summary>
    public void FillFence(NpgsqlBatch command, IReadOnlyList<ShardBatch> batches)
    {
        _fence.Clear();
        foreach (ShardBatch batch in batches)
        {
            _fence.Add(batch);
        }

        command.BatchCommands.Add(new NpgsqlBatchCommand(Guidance.OfCommits));
        command.BatchCommands.Add(_fence.Prepare());
    }

    /// <summary>Fills a command with what writes the rows of batches.</summary>
    public void FillRows(NpgsqlBatch command, IReadOnlyList<ShardBatch> batches)
    {
        foreach (RowStatement statement in _statements)
        {
            statement.Clear();
            for (int i = 0; i < batches.Count; i++)
            {
                statement.Add(batches[i]);
            }

            if (!statement.IsEmpty)
            {
                command.BatchCommands.Add(statement.Prepare());
            }
        }
    }

    /// <summary>Whether a failure is the fence's: a shard is no longer ours.</summary>
    public bool IsFence(PostgresException failure) => failure.BatchCommand == _fence.Command && failure.SqlState == PostgresErrorCodes.DivisionByZero;

    /// <summary>Why the server refused a value.</summary>
    public string Explain(Exception failure) =>
        failure is PostgresException { SqlState: PostgresErrorCodes.DivisionByZero } server && Array.Find(_statements, statement => statement.Command == server.BatchCommand) is { } found
            ? found.Missing
            : Failure.Reason(failure);

    /// <summary>Lets go of the rows.</summary>
    public void Clear() => Array.ForEach(_statements, statement => statement.Clear());
}
