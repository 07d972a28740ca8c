using Perdure.Sqlite.Native;
using Perdure.Storage;

namespace Perdure.Sqlite;

/// <summary>Commits groups of batches, one transaction each: every batch or none.</summary>
internal sealed class GroupCommit
{
    private readonly StoreFile _file;
    private readonly SqliteConnection _connection;
    private readonly ShardTable _shards;
    private readonly BatchWriter _writer;
    private readonly SqliteStatement _begin;
    private readonly SqliteStatement _commit;

    public GroupCommit(StoreFile file, SqliteConnection connection, ShardTable shards)
    {
        _file = file;
        _connection = connection;
        _shards = shards;
        _writer = new BatchWriter(connection);
        _begin = connection.Prepare("BEGIN IMMEDIATE");
        _commit = connection.Prepare("COMMIT");
    }

    /// <summary>Whether a failure leaves the store as it was and may pass; after any other nothing may be written any more.</summary>
    public static bool MayPass(SqliteFailure failure) => failure.Code is
        ResultCode.Full or ResultCode.Busy or ResultCode.Locked or ResultCode.NoMemory or ResultCode.Interrupted or ResultCode.ReadOnly or ResultCode.Permission;

    /// <exception cref="SqliteFailure">The store must be closed: the outcome is unknown.</exception>
    public CommitAnswer[] Commit(IReadOnlyList<ShardBatch> batches)
    {
        int writing = -1;
        try
        {
            _begin.Run();
            _shards.Refresh();
            if (FindFenced(batches) is { } answers)
            {
                return answers;
            }

            for (writing = 0; writing < batches.Count; writing++)
            {
                _writer.Write(batches[writing]);
                _shards.Advance(batches[writing]);
            }

            _shards.WriteProgress();
            _commit.Run();
            return CommitGroup.Committed(batches.Count);
        }
        catch (SqliteFailure failure) when (writing >= 0 && writing < batches.Count && IsBatchesFault(failure))
        {
            return CommitGroup.Refused(batches.Count, writing, failure.Message);
        }
        catch (SqliteFailure failure) when (MayPass(failure))
        {
            return CommitGroup.NotNow(batches.Count, _file.Explain(failure).Message);
        }
        finally
        {
            TakeBackUnlessCommitted();
        }
    }

    /// <summary>Runs a change of shards' rows in a transaction of its own.</summary>
    public T Change<T>(Func<ShardTable, T> change)
    {
        try
        {
            _begin.Run();
            _shards.Refresh();
            T result = change(_shards);
            _commit.Run();
            return result;
        }
        finally
        {
            TakeBackUnlessCommitted();
        }
    }

    private static bool IsBatchesFault(SqliteFailure failure) =>
        failure.Code is ResultCode.Constraint or ResultCode.TooBig or ResultCode.Mismatch;

    private CommitAnswer[]? FindFenced(IReadOnlyList<ShardBatch> batches)
    {
        CommitAnswer[]? answers = null;
        for (int i = 0; i < batches.Count; i++)
        {
            if (!_shards.Admits(batches[i]))
            {
                answers ??= CommitGroup.NotNow(batches.Count, "another batch of the group was fenced");
                answers[i] = CommitGroup.Fenced(batches[i]);
            }
        }

        return answers;
    }

    private void TakeBackUnlessCommitted()
    {
        if (_connection.InTransaction)
        {
            _connection.RollBack();
            _shards.Forget();
        }
    }
}
