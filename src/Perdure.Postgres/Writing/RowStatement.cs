using Npgsql;
using NpgsqlTypes;
using Perdure.Storage;

namespace Perdure.Postgres.Writing;

/// <summary>A statement over many rows. Each of its parameters is an array: a column of them.</summary>
internal abstract class RowStatement
{
    private readonly List<IColumn> _columns = [];

    /// <summary>The statement as it was last sent.</summary>
    public NpgsqlBatchCommand Command { get; private set; } = new();

    public bool IsEmpty => _columns[0].Count == 0;

    /// <summary>What it means when the statement fails since it would divide by zero: it found fewer rows than it was to change.</summary>
    public virtual string Missing => "a row that was to be changed is not there";

    /// <summary>The statement's text.</summary>
    protected string Sql { get; init; } = "";

    /// <summary>The columns' names.</summary>
    protected string Names => string.Join(", ", _columns.Select(column => column.Name));

    /// <summary>The rows as a table. In a select list arrays are taken apart side by side, without a copy.</summary>
    protected string Rows => $"(SELECT {string.Join(", ", _columns.Select((column, i) => $"unnest(${i + 1}) AS {column.Name}"))})";

    /// <summary>Takes over what a batch has for this statement.</summary>
    public abstract void Add(ShardBatch batch);

    /// <summary>The statement with its rows, to be sent once: the driver remembers in a command on which connection it was prepared.</summary>
    public NpgsqlBatchCommand Prepare()
    {
        Command.Parameters.Clear(); // a parameter is of one command at a time
        Command = new NpgsqlBatchCommand(Sql);
        _columns.ForEach(column => Command.Parameters.Add(column.Parameter));
        return Command;
    }

    public void Clear() => _columns.ForEach(column => column.Clear());

    protected Column<T> Column<T>(string name, NpgsqlDbType type)
    {
        Column<T> column = new(name, type);
        _columns.Add(column);
        return column;
    }

    /// <summary>Fails the transaction where a change did not find all of its rows.</summary>
    protected string AllOrFail(string change) => $"WITH changed AS ({change} RETURNING 1) SELECT 1 / (count(*) = cardinality($1))::integer FROM changed";

    /// <summary>Goes through rows of which the last one with a key counts.</summary>
    protected static void ForLast<TRow, TKey>(List<TRow> rows, HashSet<TKey> seen, Func<TRow, TKey> keyOf, Action<TRow> add)
    {
        seen.Clear();
        for (int i = rows.Count - 1; i >= 0; i--)
        {
            if (rows.Count == 1 || seen.Add(keyOf(rows[i])))
            {
                add(rows[i]);
            }
        }
    }
}

/// <summary>A column of rows that are on their way.</summary>
internal interface IColumn
{
    string Name { get; }

    int Count { get; }

    NpgsqlParameter Parameter { get; }

    void Clear();
}

/// <summary>A column of rows that are on their way.</summary>
internal sealed class Column<T>(string name, NpgsqlDbType type) : IColumn
{
    private readonly List<T> _values = [];

    public string Name => name;

    public int Count => _values.Count;

    public NpgsqlParameter Parameter => field ??= new NpgsqlParameter<List<T>> { TypedValue = _values, NpgsqlDbType = NpgsqlDbType.Array | type };

    public void Add(T value) => _values.Add(value);

    public void Clear() => _values.Clear();
}
