#pragma warning disable RS0030 // wake-ups that may be lost are paced by the machine's own clock
using System.Globalization;
using Npgsql;

namespace Perdure.Postgres.Nodes;

/// <summary>Wake-ups between nodes, by NOTIFY.</summary>
/// <remarks>
/// <para>
/// A NOTIFY within a commit would take a lock that all commits of the database share. So they go over a connection of their own, after the commits, and those that
/// come while one is on its way go together with the next one.
/// </para>
/// <para>They may be lost, as they are behind a pooler that shares connections between transactions: whoever must not miss mail looks now and then.</para>
/// </remarks>
internal sealed class WakeUps(Database database) : IAsyncDisposable
{
    private static readonly TimeSpan SendPause = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan ListenPause = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _tasks = [];
    private Dictionary<long, HashSet<int>> _waiting = [];
    private bool _isSending;

    /// <summary>Names of channels are shared by the database, so they begin with the schema's.</summary>
    private readonly string _channel = string.Create(CultureInfo.InvariantCulture, $"perdure {(uint)StableHash(database.Schema):x8} ");

    public void Send(long node, IReadOnlyCollection<int> shards)
    {
        lock (_lock)
        {
            if (!_waiting.TryGetValue(node, out HashSet<int>? waiting))
            {
                _waiting.Add(node, waiting = []);
            }

            waiting.UnionWith(shards);
            if (!_isSending && !_stop.IsCancellationRequested)
            {
                _isSending = true;
                Keep(Task.Run(SendAllAsync, CancellationToken.None));
            }
        }
    }

    public IDisposable Listen(long node, Action<IReadOnlyList<int>> mail)
    {
        var stop = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        lock (_lock)
        {
            Keep(Task.Run(() => ListenAsync(ChannelOf(node), mail, stop.Token), CancellationToken.None));
        }

        return new Listening(stop);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        Task[] all;
        lock (_lock)
        {
            all = [.. _tasks];
        }

        await Task.WhenAll(all).ConfigureAwait(false);
        _stop.Dispose();
    }

    /// <summary>FNV-1a (G. Fowler, L. C. Noll, P. Vo): the same in every process.</summary>
    private static int StableHash(string text)
    {
        uint hash = 2166136261;
        foreach (char c in text)
        {
            hash = (hash ^ c) * 16777619;
        }

        return (int)hash;
    }

    private string ChannelOf(long node) => _channel + node.ToString(CultureInfo.InvariantCulture);

    /// <summary>Under the lock.</summary>
    private void Keep(Task task)
    {
        _tasks.RemoveAll(static t => t.IsCompleted);
        _tasks.Add(task);
    }

    private async Task SendAllAsync()
    {
        while (true)
        {
            Dictionary<long, HashSet<int>> waiting;
            lock (_lock)
            {
                waiting = _waiting;
                _waiting = [];
                if (waiting.Count == 0 || _stop.IsCancellationRequested)
                {
                    _isSending = false;
                    return;
                }
            }

            try
            {
                await SendAsync(waiting).ConfigureAwait(false);
            }
            catch (Exception)
            {
                // They are looked for now and then.
            }

            await PauseAsync(SendPause, _stop.Token).ConfigureAwait(false);
        }
    }

    private async Task SendAsync(Dictionary<long, HashSet<int>> waiting)
    {
        NpgsqlConnection connection = await database.OpenReaderAsync(_stop.Token).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            NpgsqlCommand command = new("SELECT pg_notify(channel, shards) FROM unnest($1, $2) AS wake_up (channel, shards)", connection);
            await using (command.ConfigureAwait(false))
            {
                command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. waiting.Keys.Select(ChannelOf)] });
                command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. waiting.Values.Select(shards => string.Join(',', shards))] });
                await command.ExecuteNonQueryAsync(_stop.Token).ConfigureAwait(false);
            }
        }
    }

    private async Task ListenAsync(string channel, Action<IReadOnlyList<int>> mail, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                NpgsqlConnection connection = await database.OpenListenerAsync(cancellationToken).ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    await ListenAsync(connection, channel, mail, cancellationToken).ConfigureAwait(false);
                }
            }
            catch (Exception)
            {
                await PauseAsync(ListenPause, cancellationToken).ConfigureAwait(false); // whatever it was: a node must not stay deaf
            }
        }
    }

    private static async Task ListenAsync(NpgsqlConnection connection, string channel, Action<IReadOnlyList<int>> mail, CancellationToken cancellationToken)
    {
        connection.Notification += (_, wakeUp) => mail(Read(wakeUp.Payload));
#pragma warning disable CA2100 // The channel's name is ours.
        NpgsqlCommand command = new($"LISTEN \"{channel}\"", connection);
#pragma warning restore CA2100
        await using (command.ConfigureAwait(false))
        {
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }

        mail([]); // what came before
        while (true)
        {
            await connection.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task PauseAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(pause, TimeProvider.System, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Nobody listens any more.
        }
    }

    private static int[] Read(string shards) => shards.Length == 0 ? [] : Array.ConvertAll(shards.Split(','), text => int.Parse(text, CultureInfo.InvariantCulture));

    private sealed class Listening(CancellationTokenSource stop) : IDisposable
    {
        public void Dispose() => stop.Cancel();
    }
}
