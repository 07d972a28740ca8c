using Microsoft.Data.Sqlite;

namespace Fulfilment.Participants;

/// <summary>A service's own SQLite file: what it did, and what it took back. Each line is under a kind and a key, so what comes again is done once.</summary>
/// <remarks>What is taken back before it was done is never done: a command may arrive after its undo.</remarks>
public sealed class Book : IDisposable
{
    private readonly Lock _lock = new();
    private readonly SqliteConnection _db;

    /// <param name="path">The file; <c>:memory:</c> for none.</param>
    public Book(string path)
    {
        _db = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _db.Open();
        Execute("""
            PRAGMA journal_mode = WAL;
            PRAGMA busy_timeout = 5000;
            CREATE TABLE IF NOT EXISTS line (
              kind     TEXT NOT NULL,
              key      TEXT NOT NULL,
              order_id TEXT,                    -- null: it was taken back before it came
              amount   TEXT NOT NULL,
              note     TEXT,
              state    TEXT NOT NULL,           -- Done or TakenBack
              PRIMARY KEY (kind, key)) WITHOUT ROWID;
            CREATE INDEX IF NOT EXISTS line_note ON line (kind, note)
            """);
    }

    /// <summary>Writes that something was done; nothing when it was written before.</summary>
    /// <exception cref="TakenBackException">It was taken back.</exception>
    public Line Do(string kind, string key, string orderId, decimal amount = 0, string? note = null) => Do(kind, key, orderId, note, _ => amount);

    /// <param name="amount">Is told what this book has of the kind and note; nothing comes between.</param>
    /// <inheritdoc cref="Do(string, string, string, decimal, string?)"/>
    public Line Do(string kind, string key, string orderId, string? note, Func<IReadOnlyList<Line>, decimal> amount)
    {
        lock (_lock)
        {
            using SqliteTransaction transaction = _db.BeginTransaction();
            Line? there = Select("WHERE kind = $1 AND key = $2", kind, key).SingleOrDefault();
            if (there is null)
            {
                there = new Line(kind, key, orderId, amount(Select("WHERE kind = $1 AND note IS $2", kind, note)), note, IsDone: true);
                Execute("INSERT INTO line VALUES ($1, $2, $3, $4, $5, 'Done')", kind, key, orderId, there.Amount, note);
                transaction.Commit();
            }

            return there.IsDone ? there : throw new TakenBackException(kind, key);
        }
    }

    /// <summary>Takes back what was done, or what may yet come.</summary>
    public void TakeBack(string kind, string key)
    {
        lock (_lock)
        {
            Execute("INSERT INTO line VALUES ($1, $2, NULL, '0', NULL, 'TakenBack') ON CONFLICT DO UPDATE SET state = 'TakenBack'", kind, key);
        }
    }

    public List<Line> Lines()
    {
        lock (_lock)
        {
            return Select("");
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _db.Dispose();
        }
    }

    private List<Line> Select(string where, params ReadOnlySpan<object?> values)
    {
        using SqliteCommand command = Command($"SELECT kind, key, order_id, amount, note, state FROM line {where}", values);
        using SqliteDataReader row = command.ExecuteReader();
        List<Line> lines = [];
        while (row.Read())
        {
            lines.Add(new Line(row.GetString(0), row.GetString(1), Text(2), row.GetDecimal(3), Text(4), row.GetString(5) == "Done"));
        }

        return lines;

        string? Text(int column) => row.IsDBNull(column) ? null : row.GetString(column);
    }

    private void Execute(string sql, params ReadOnlySpan<object?> values)
    {
        using SqliteCommand command = Command(sql, values);
        command.ExecuteNonQuery();
    }

    private SqliteCommand Command(string sql, ReadOnlySpan<object?> values)
    {
        SqliteCommand command = _db.CreateCommand();
        command.CommandText = sql;
        for (int i = 0; i < values.Length; i++)
        {
            command.Parameters.AddWithValue($"${i + 1}", values[i] ?? DBNull.Value);
        }

        return command;
    }
}

/// <param name="OrderId">For which order; null where it was taken back before it came.</param>
public sealed record Line(string Kind, string Key, string? OrderId, decimal Amount, string? Note, bool IsDone);

/// <summary>It was taken back before it came.</summary>
public sealed class TakenBackException(string kind, string key) : Exception($"{kind} {key} was taken back");

/// <summary>One book for each service. No service looks into another's; an auditor looks into all.</summary>
public sealed class Books(Func<string, string> file) : IDisposable
{
    /// <summary>Files in a folder, which is made if it does not exist.</summary>
    public Books(string folder)
        : this(name => Path.Combine(Directory.CreateDirectory(folder).FullName, $"{name}-book.db"))
    {
    }

    public static Books InMemory() => new(_ => ":memory:");

    private readonly Lazy<Book> _checkout = new(() => new Book(file("checkout")));
    private readonly Lazy<Book> _payment = new(() => new Book(file("payment")));
    private readonly Lazy<Book> _inventory = new(() => new Book(file("inventory")));
    private readonly Lazy<Book> _shipment = new(() => new Book(file("shipment")));

    public Book Checkout => _checkout.Value;

    public Book Payment => _payment.Value;

    public Book Inventory => _inventory.Value;

    public Book Shipment => _shipment.Value;

    public void Dispose()
    {
        foreach (Lazy<Book> book in (Lazy<Book>[])[_checkout, _payment, _inventory, _shipment])
        {
            if (book.IsValueCreated)
            {
                book.Value.Dispose();
            }
        }
    }
}
