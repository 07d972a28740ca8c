using System.Collections.Concurrent;
using Perdure.Sqlite.Native;

namespace Perdure.Sqlite;

/// <summary>A few threads that read, each over a connection of its own.</summary>
internal sealed class SqliteReaders : IDisposable
{
    private readonly BlockingCollection<Action<StoreReader>> _orders = [];
    private readonly StoreFile _file;
    private readonly SqliteWriter _writer;
    private readonly List<Thread> _threads = [];

    public SqliteReaders(StoreFile file, SqliteWriter writer)
    {
        _file = file;
        _writer = writer;
    }

    /// <summary>Opens the connections; a failure closes those that were opened.</summary>
    public void Open(int count)
    {
        List<SqliteConnection> connections = [];
        try
        {
            List<StoreReader> readers = [];
            for (int i = 0; i < count; i++)
            {
                connections.Add(StoreConnection.Open(_file));
                connections[i].Execute("PRAGMA query_only = ON");
                readers.Add(new StoreReader(connections[i]));
            }

            foreach (StoreReader reader in readers)
            {
                Thread thread = new(() => Run(reader)) { IsBackground = true, Name = "perdure-sqlite-read" };
                _threads.Add(thread);
                thread.Start();
            }
        }
        catch (SqliteFailure failure)
        {
            connections.ForEach(connection => connection.Dispose());
            throw _file.Explain(failure);
        }
    }

    /// <summary>Reads in one read transaction, which sees all that was committed before this call. What it saw is durable when this returns.</summary>
    public async Task<T> ReadAsync<T>(Func<StoreReader, T> read, CancellationToken cancellationToken)
    {
        T result = await QueueAsync(read, cancellationToken).ConfigureAwait(false);
        await _writer.CaughtUpAsync().ConfigureAwait(false);
        return result;
    }

    private Task<T> QueueAsync<T>(Func<StoreReader, T> read, CancellationToken cancellationToken)
    {
        TaskCompletionSource<T> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            _orders.Add(reader => Read(reader, read, done, cancellationToken), CancellationToken.None);
        }
        catch (InvalidOperationException)
        {
            done.SetException(_file.Closed());
        }

        return done.Task;
    }

    public void Dispose()
    {
        _orders.CompleteAdding();
        _threads.ForEach(thread => thread.Join());
    }

    private void Run(StoreReader reader)
    {
        foreach (Action<StoreReader> order in _orders.GetConsumingEnumerable())
        {
            order(reader);
        }

        reader.Dispose();
    }

    private void Read<T>(StoreReader reader, Func<StoreReader, T> read, TaskCompletionSource<T> done, CancellationToken cancellationToken)
    {
        try
        {
            if (_writer.Failure is { } failed)
            {
                done.SetException(failed);
                return;
            }

            cancellationToken.ThrowIfCancellationRequested();
            done.SetResult(reader.InTransaction(read));
        }
        catch (OperationCanceledException)
        {
            done.SetCanceled(cancellationToken);
        }
        catch (SqliteFailure failure)
        {
            done.SetException(_file.ExplainRead(failure));
        }
#pragma warning disable CA1031 // Whatever it is, it is the caller's to know, and the thread goes on for the others.
        catch (Exception e)
#pragma warning restore CA1031
        {
            done.SetException(e);
        }
    }
}
