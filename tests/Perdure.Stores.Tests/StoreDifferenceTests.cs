using System.Globalization;
using System.Text;
using Perdure.Shared;
using Perdure.Sqlite;
using Perdure.Storage;

namespace Perdure.Stores.Tests;

/// <summary>Drives a store and the one in memory with the same random operations, and compares every answer.</summary>
public sealed class StoreDifferenceTests(OnePostgres postgres) : IClassFixture<OnePostgres>, IDisposable
{
    private const int Sequences = 150;
    private const int Operations = 40;
    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<CommitOutcome, int> _outcomes = [];
    private readonly Dictionary<Type, int> _rows = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public Task The_SQLite_store_gives_the_same_answers_to_random_operations() => CompareAsync(() =>
    {
        string path = _folder.File($"{Guid.NewGuid()}.db");
        return () => new SqliteStore(path);
    });

    [Fact]
    public Task The_PostgreSQL_store_gives_the_same_answers_to_random_operations() => CompareAsync(() =>
    {
        string schema = OnePostgres.NewSchema();
        return () => postgres.Store(schema);
    });

    private async Task CompareAsync(Func<Func<IStore>> newStore)
    {
        for (int seed = 1; seed <= Sequences; seed++)
        {
            try
            {
                await CompareAsync(newStore(), seed);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed}: {e.Message}", e);
            }
        }

        // The generator is worth something only while each outcome comes up often, and most commits land.
        Enum.GetValues<CommitOutcome>().ShouldAllBe(outcome => _outcomes.GetValueOrDefault(outcome) >= Sequences);
        _outcomes[CommitOutcome.Committed].ShouldBeGreaterThan(_outcomes[CommitOutcome.Fenced] + _outcomes[CommitOutcome.Refused]);
        _rows.Values.Sum().ShouldBeGreaterThan(Sequences * 20);
        Type[] kinds =
        [
            typeof(StoredFlow), typeof(WakingFlow), typeof(InboxRow), typeof(JobRow), typeof(JobEndRow), typeof(MemoRow), typeof(byte[]),
            typeof(TopicRange), typeof(EventRow), typeof(DeliveryRow), typeof(EventWaitRow),
        ];
        kinds.ShouldAllBe(kind => _rows.GetValueOrDefault(kind) >= Sequences / 5, string.Join(", ", _rows));
    }

    private async Task CompareAsync(Func<IStore> connect, int seed)
    {
        MemoryStore memory = new();
        IStore store = connect();
        try
        {
            await memory.OpenAsync(RandomOperations.ShardCount, default);
            await store.OpenAsync(RandomOperations.ShardCount, default);
            RandomOperations operations = new(seed);
            for (int i = 0; i < Operations; i++)
            {
                (string name, Func<IStore, Task<object>> operation) = operations.Next();
                if (i == Operations / 2 && seed % 4 == 0)
                {
                    await store.DisposeAsync();
                    store = connect();
                    await store.OpenAsync(RandomOperations.ShardCount, default);
                }

                object expected = await operation(memory);
                object actual = await operation(store);
                Print(actual).ShouldBe(Print(expected), $"operation {i}: {name}");
                operations.Learn(expected);
                Note(expected);
            }
        }
        finally
        {
            await store.DisposeAsync();
        }
    }

    private void Note(object answer)
    {
        if (answer is IReadOnlyList<CommitAnswer> commits)
        {
            foreach (CommitAnswer commit in commits)
            {
                _outcomes[commit.Outcome] = _outcomes.GetValueOrDefault(commit.Outcome) + 1;
            }
        }
        else if (answer is System.Collections.ICollection rows)
        {
            foreach (object row in rows.Cast<object?>().OfType<object>())
            {
                _rows[row.GetType()] = _rows.GetValueOrDefault(row.GetType()) + 1;
            }
        }
    }

    /// <summary>Writes an answer out with everything in it, arrays and times included; the reasons of commits are free.</summary>
    private static string Print(object? value) => value switch
    {
        null => "null",
        string text => $"\"{text}\"",
        byte[] bytes => Convert.ToHexString(bytes),
        DateTimeOffset time => time.UtcTicks.ToString(CultureInfo.InvariantCulture),
        CommitAnswer answer => answer.Outcome.ToString(),
        System.Collections.IEnumerable list => $"[{string.Join("; ", list.Cast<object?>().Select(Print))}]",
        _ when value.GetType().Namespace?.StartsWith("Perdure", StringComparison.Ordinal) == true && !value.GetType().IsEnum => PrintMembers(value),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    private static string PrintMembers(object value)
    {
        StringBuilder text = new(value.GetType().Name + "{");
        foreach (System.Reflection.PropertyInfo property in value.GetType().GetProperties().Where(property => property.GetIndexParameters().Length == 0))
        {
            text.Append(CultureInfo.InvariantCulture, $"{property.Name}={Print(property.GetValue(value))} ");
        }

        return text.Append('}').ToString();
    }
}
