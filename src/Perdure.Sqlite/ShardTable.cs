using System.Buffers.Text;
using Perdure.Sqlite.Native;
using Perdure.Storage;

namespace Perdure.Sqlite;

/// <summary>The shards' rows, with a copy in memory that decides every fence.</summary>
/// <remarks>
/// <para>
/// The copy is used within a write transaction only, after <see cref="Refresh"/>: SQLite says there whether any other connection has
/// written since, and then the rows are read again. So the fence is as exact as one in SQL, even if two processes got past the
/// lock file, and costs one row per commit where a row per batch was a tenth of a run's CPU.
/// </para>
/// <para>A transaction that is taken back must <see cref="Forget"/> the copy.</para>
/// </remarks>
internal sealed class ShardTable
{
    private const int ShardsPerRow = 64;
    private const int EntryBytesMax = 48;

    private readonly SqliteStatement _dataVersion;
    private readonly SqliteStatement _read;
    private readonly SqliteStatement _writeShard;
    private readonly SqliteStatement _writeProgress;
    private readonly byte[] _json = new byte[ShardsPerRow * EntryBytesMax];
    private readonly List<Shard> _shards = [];
    private readonly List<bool> _isRowDirty = [];
    private long _version = -1;

    public ShardTable(SqliteConnection connection)
    {
        _dataVersion = connection.Prepare("PRAGMA data_version");
        _read = connection.Prepare(
            """
            SELECT shard.shard, epoch, token, unclean_ends, suspect_run, suspect_ask, suspect_deaths, coalesce(batch, 0), coalesce(time, 0)
            FROM shard LEFT JOIN shard_progress ON shard_progress.shard = shard.shard
            """);
        _writeShard = connection.Prepare(
            """
            INSERT OR REPLACE INTO shard (shard, epoch, token, unclean_ends, suspect_run, suspect_ask, suspect_deaths)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            """);
        _writeProgress = connection.Prepare("INSERT OR REPLACE INTO progress (first_shard, batches) VALUES (?1, ?2)");
    }

    /// <summary>Makes the copy equal to the rows. Call it first in each write transaction.</summary>
    public void Refresh()
    {
        _dataVersion.Step();
        long version = _dataVersion.Number(0);
        _dataVersion.Reset();
        if (version != _version)
        {
            Read();
            _version = version;
        }
    }

    public void Forget()
    {
        _version = -1;
        _shards.Clear();
        _isRowDirty.Clear();
    }

    public bool IsHeld(ShardLease lease) =>
        lease.Shard >= 0 && lease.Shard < _shards.Count && _shards[lease.Shard] is { IsHeld: true } shard
        && shard.Epoch == lease.Epoch && shard.Token == lease.Token;

    public bool Admits(ShardBatch batch) => IsHeld(batch.Lease) && _shards[batch.Lease.Shard].Batch == batch.Number - 1;

    /// <summary>Takes a shard, and makes it if it is not there yet.</summary>
    public ShardLease Take(int number, Guid token)
    {
        MakeRoom(number);
        Shard shard = _shards[number];
        shard.UncleanEnds += shard.IsHeld ? 1 : 0;
        shard.IsHeld = true;
        shard.Epoch++;
        shard.Token = token;
        WriteShard(number);
        return new ShardLease(number, shard.Epoch, token, shard.Batch, StoredTime.FromStored(shard.Time), shard.UncleanEnds, shard.Suspect);
    }

    public void Release(ShardLease lease)
    {
        if (IsHeld(lease))
        {
            Shard shard = _shards[lease.Shard];
            shard.IsHeld = false;
            shard.UncleanEnds = 0;
            shard.Suspect = null;
            WriteShard(lease.Shard);
        }
    }

    /// <summary>Moves a shard to a batch; <see cref="WriteProgress"/> writes how far all of them have come.</summary>
    public void Advance(ShardBatch batch)
    {
        int number = batch.Lease.Shard;
        Shard shard = _shards[number];
        shard.Batch = batch.Number;
        shard.Time = StoredTime.ToStored(batch.Time);
        _isRowDirty[number / ShardsPerRow] = true;
        if (batch.Recovered || batch.Suspect is not null)
        {
            shard.Suspect = batch.Recovered ? null : batch.Suspect;
            shard.UncleanEnds = batch.Recovered ? 0 : shard.UncleanEnds;
            WriteShard(number);
        }
    }

    public void WriteProgress()
    {
        for (int row = 0; row < _isRowDirty.Count; row++)
        {
            if (_isRowDirty[row])
            {
                _isRowDirty[row] = false;
                _writeProgress.Bind(1, row * ShardsPerRow);
                _writeProgress.BindUtf8(2, FormatProgress(row));
                _writeProgress.Run();
            }
        }
    }

    private ReadOnlySpan<byte> FormatProgress(int row)
    {
        Span<byte> json = _json;
        int length = 0;
        int end = Math.Min(_shards.Count, (row + 1) * ShardsPerRow);
        for (int number = row * ShardsPerRow; number < end; number++)
        {
            json[length] = length == 0 ? (byte)'[' : (byte)',';
            json[length + 1] = (byte)'[';
            length += 2;
            Utf8Formatter.TryFormat(_shards[number].Batch, json[length..], out int written);
            length += written;
            json[length++] = (byte)',';
            Utf8Formatter.TryFormat(_shards[number].Time, json[length..], out written);
            length += written;
            json[length++] = (byte)']';
        }

        json[length++] = (byte)']';
        return json[..length];
    }

    private void Read()
    {
        _shards.Clear();
        while (_read.Step())
        {
            int number = (int)_read.Number(0);
            MakeRoom(number);
            Shard shard = _shards[number];
            shard.Epoch = _read.Number(1);
            shard.IsHeld = !_read.IsNull(2);
            shard.Token = shard.IsHeld ? new Guid(_read.Blob(2)) : Guid.Empty;
            shard.UncleanEnds = (int)_read.Number(3);
            shard.Suspect = _read.IsNull(4) ? null : new Suspect(_read.Number(4), (int)_read.Number(5), (int)_read.Number(6));
            shard.Batch = _read.Number(7);
            shard.Time = _read.Number(8);
        }
    }

    /// <summary>Lets there be a copy of each shard up to a number; one that has no row has never been taken.</summary>
    private void MakeRoom(int number)
    {
        while (_shards.Count <= number)
        {
            _shards.Add(new Shard());
        }

        while (_isRowDirty.Count * ShardsPerRow < _shards.Count)
        {
            _isRowDirty.Add(false);
        }
    }

    private void WriteShard(int number)
    {
        Shard shard = _shards[number];
        _writeShard.Bind(1, number);
        _writeShard.Bind(2, shard.Epoch);
        _writeShard.Bind(3, shard.IsHeld ? shard.Token.ToByteArray() : null);
        _writeShard.Bind(4, shard.UncleanEnds);
        if (shard.Suspect is { } suspect)
        {
            _writeShard.Bind(5, suspect.Run);
            _writeShard.Bind(6, suspect.Ask);
            _writeShard.Bind(7, suspect.Deaths);
        }
        else
        {
            _writeShard.BindNull(5);
            _writeShard.BindNull(6);
            _writeShard.BindNull(7);
        }

        _writeShard.Run();
    }

    private sealed class Shard
    {
        public bool IsHeld { get; set; }

        public long Epoch { get; set; }

        public Guid Token { get; set; }

        public int UncleanEnds { get; set; }

        public Suspect? Suspect { get; set; }

        public long Batch { get; set; }

        public long Time { get; set; }
    }
}
