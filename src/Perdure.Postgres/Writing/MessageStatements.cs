using NpgsqlTypes;
using Perdure.Storage;

namespace Perdure.Postgres.Writing;

/// <summary>Messages to other shards; one that the receiver has already is passed over.</summary>
internal sealed class SendMessages : RowStatement
{
    private readonly Column<int> _shard;
    private readonly Column<string> _id;
    private readonly Column<int> _kind;
    private readonly Column<string> _toType;
    private readonly Column<string> _toId;
    private readonly ParentColumns _from;
    private readonly Column<string?> _name;
    private readonly Column<byte[]?> _payload;
    private readonly Column<string?> _correlation;
    private readonly Column<string?> _cause;

    public SendMessages(string schema)
    {
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _id = Column<string>("id", NpgsqlDbType.Text);
        _kind = Column<int>("kind", NpgsqlDbType.Integer);
        _toType = Column<string>("to_type", NpgsqlDbType.Text);
        _toId = Column<string>("to_id", NpgsqlDbType.Text);
        _from = new ParentColumns(Column<string?>("from_type", NpgsqlDbType.Text), Column<string?>("from_id", NpgsqlDbType.Text), Column<int?>("from_ask", NpgsqlDbType.Integer));
        _name = Column<string?>("name", NpgsqlDbType.Text);
        _payload = Column<byte[]?>("payload", NpgsqlDbType.Bytea);
        _correlation = Column<string?>("correlation", NpgsqlDbType.Text);
        _cause = Column<string?>("cause", NpgsqlDbType.Text);
        Sql = $"INSERT INTO {schema}.inbox ({Names}) SELECT * FROM {Rows} AS row ON CONFLICT (shard, id) DO NOTHING";
    }

    public override void Add(ShardBatch batch)
    {
        foreach (InboxRow message in batch.Sent)
        {
            _shard.Add(message.Shard);
            _id.Add(message.Id);
            _kind.Add((int)message.Kind);
            _toType.Add(message.To.Type);
            _toId.Add(message.To.Id);
            _from.Add(message.From);
            _name.Add(message.Name);
            _payload.Add(message.Payload);
            _correlation.Add(message.Correlation);
            _cause.Add(message.Cause);
        }
    }
}

/// <summary>Messages that were consumed.</summary>
internal sealed class ReceiveMessages : RowStatement
{
    private readonly Column<int> _shard;
    private readonly Column<string> _id;

    public ReceiveMessages(string schema)
    {
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _id = Column<string>("id", NpgsqlDbType.Text);
        Sql = $"DELETE FROM {schema}.inbox USING {Rows} AS row WHERE inbox.shard = row.shard AND inbox.id = row.id";
    }

    public override void Add(ShardBatch batch)
    {
        foreach (string id in batch.Received)
        {
            _shard.Add(batch.Lease.Shard);
            _id.Add(id);
        }
    }
}
