using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Perdure.Diagnostics;
using Perdure.Shared;

namespace Perdure.Postgres.Tests;

/// <summary>Flows that are started and signalled in a client's own transaction, and steps whose effect is exactly once.</summary>
public sealed class TransactionTests(OnePostgres one) : IClassFixture<OnePostgres>, IAsyncLifetime
{
    private const string Schema = "in transactions";
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private readonly NpgsqlDataSource _database = NpgsqlDataSource.Create(one.Server.ConnectionString);
    private Func<StepContext, Task<int>> _work = static _ => Task.FromResult(0);
    private Func<StepContext, Task<int>> _undo = static _ => Task.FromResult(0);
    private IHost _host = null!;

    private PerdureClient Perdure => _host.Services.GetRequiredService<PerdureClient>();

    private IFlowClient<IFlow<int, int>> Adds => Perdure.Flow<int, int>("adds");

    public async Task InitializeAsync()
    {
        await AskAsync($"DROP SCHEMA IF EXISTS \"{Schema}\" CASCADE; DROP TABLE IF EXISTS business; CREATE TABLE business (what text)");
        _host = await StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_flow_and_business_rows_are_there_together_or_not_at_all()
    {
        await using NpgsqlConnection connection = await _database.OpenConnectionAsync();
        await using (NpgsqlTransaction taken = await connection.BeginTransactionAsync())
        {
            await WriteAsync(taken, "kept");
            await Adds.StartAsync(1, taken, "kept");
            await taken.CommitAsync();
        }

        await using (NpgsqlTransaction takenBack = await connection.BeginTransactionAsync())
        {
            await WriteAsync(takenBack, "taken back");
            await Adds.StartAsync(1, takenBack, "taken back");
            await takenBack.RollbackAsync();
        }

        await UntilAsync("the run", async () => await Perdure.CountAsync(new FlowFilter { Type = "adds" }) == 1);
        await using (NpgsqlTransaction signal = await connection.BeginTransactionAsync())
        {
            await Adds.Get("kept").SignalAsync(41, signal, "go");
            await signal.CommitAsync();
        }

        (await Adds.Get("kept").ResultAsync().WaitAsync(Day)).ShouldBe(42);
        (await Perdure.CountAsync(new FlowFilter { Type = "adds" })).ShouldBe(1);
        (await AskAsync("SELECT string_agg(what, ',') FROM business")).ShouldBe("kept");
    }

    [Fact]
    public async Task What_nobody_can_take_is_kept_as_unclaimed()
    {
        await Adds.StartAsync(1, "there");
        await using NpgsqlConnection connection = await _database.OpenConnectionAsync();
        await using (NpgsqlTransaction transaction = await connection.BeginTransactionAsync())
        {
            await Adds.StartAsync(1, transaction, "there");
            await Adds.StartAsync(2, transaction, "there");
            await Adds.Get("nowhere").SignalAsync(1, transaction, "go");
            await transaction.CommitAsync();
        }

        await UntilAsync("two unclaimed messages", async () => await AskAsync($"SELECT count(*) FROM \"{Schema}\".unclaimed") is 2L);
        (await AskAsync($"SELECT string_agg(kind || ' ' || type || '/' || flow || ' ' || left(reason, 7), ', ' ORDER BY kind) FROM \"{Schema}\".unclaimed"))
            .ShouldBe($"signal adds/nowhere {ErrorCodes.FlowNotFound}, start adds/there {ErrorCodes.StartConflict}");
        await UntilAsync("an empty inbox", async () => await AskAsync($"SELECT count(*) FROM \"{Schema}\".inbox WHERE shard < 1048576") is 0L);
    }

    [Fact]
    public async Task A_job_and_an_event_come_with_the_transaction_or_not_at_all()
    {
        await using NpgsqlConnection connection = await _database.OpenConnectionAsync();
        await using (NpgsqlTransaction takenBack = await connection.BeginTransactionAsync())
        {
            await Perdure.EnqueueAsync(new Note("taken back"), takenBack);
            await Perdure.PublishAsync(new Paid("taken back"), takenBack);
            await takenBack.RollbackAsync();
        }

        await using (NpgsqlTransaction taken = await connection.BeginTransactionAsync())
        {
            await Perdure.EnqueueAsync(new Note("job"), taken);
            await Perdure.PublishAsync(new Paid("event"), taken, new PublishOptions { Id = "1" });
            await taken.CommitAsync();
        }

        await UntilAsync("both", async () => await AskAsync("SELECT string_agg(what, ',' ORDER BY what) FROM business") is "event,job");
        await using (NpgsqlTransaction again = await connection.BeginTransactionAsync())
        {
            await Perdure.PublishAsync(new Paid("event"), again, new PublishOptions { Id = "1" });
            await Perdure.PublishAsync(new Paid("second"), again, new PublishOptions { Id = "2" });
            await Perdure.PublishAsync(new Paid("other"), again, new PublishOptions { Id = "2" });
            await again.CommitAsync();
        }

        await UntilAsync("an unclaimed event", async () => await AskAsync($"SELECT kind || ' ' || left(reason, 7) FROM \"{Schema}\".unclaimed") is "publish PRD6003");
        await UntilAsync("one of the two", async () => await AskAsync("SELECT count(*) FROM business") is 3L);
        (await CountEventsAsync()).ShouldBe(2);
    }

    [Fact]
    public async Task A_step_that_is_run_again_after_its_transaction_does_nothing_more()
    {
        int runs = 0;
        _work = async s =>
        {
            int result = await s.InTransactionAsync(_database, t => WriteAsync(t, "done"), Schema);
            return ++runs == 1 ? throw new TimeoutException("the answer is lost") : result;
        };

        (await Perdure.Flow<int, int>("works").RunAsync(0)).ShouldBe(7);
        runs.ShouldBe(2);
        (await AskAsync("SELECT count(*) FROM business")).ShouldBe(1L);
    }

    [Fact]
    public async Task A_late_attempt_waits_for_the_one_that_is_at_it_and_takes_its_result()
    {
        StepContext? first = null;
        var late = new TaskCompletionSource<Task<int>>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work = async s =>
        {
            first ??= s;
            return s.Attempt == 1
                ? throw new TimeoutException("it is left behind, and goes on later")
                : await s.InTransactionAsync(
                    _database,
                    async t =>
                    {
                        late.TrySetResult(Task.Run(() => first.InTransactionAsync(_database, _ => Task.FromException<int>(new InvalidOperationException("twice")), Schema)));
                        return await WriteAsync(t, "done");
                    },
                    Schema);
        };

        (await Perdure.Flow<int, int>("works").RunAsync(0)).ShouldBe(7);
        (await await late.Task).ShouldBe(7);
        (await AskAsync("SELECT count(*) FROM business")).ShouldBe(1L);
    }

    [Fact]
    public async Task An_undo_takes_back_what_was_done_once_and_nothing_that_was_not()
    {
        StepContext? zombie = null;
        _work = async s =>
        {
            zombie ??= s;
            return s == zombie ? throw new TimeoutException("it is left behind, and goes on later")
                : await s.InTransactionAsync(_database, t => WriteAsync(t, "done"), Schema) == 7 ? throw new TimeoutException("the answer is lost") : 0;
        };
        _undo = s => s.InTransactionAsync(_database, t => WriteAsync(t, "undone"), Schema);
        await Should.ThrowAsync<FlowFailedException>(Perdure.Flow<int, int>("undoes").RunAsync(0));
        (await AskAsync("SELECT string_agg(what, ',') FROM business")).ShouldBe("done,undone");
        await Should.ThrowAsync<RejectedException>(zombie!.InTransactionAsync(_database, t => WriteAsync(t, "late"), Schema));

        _work = s =>
        {
            zombie = s;
            throw new TimeoutException("it never came to the database");
        };
        await Should.ThrowAsync<FlowFailedException>(Perdure.Flow<int, int>("undoes").RunAsync(0));
        await Should.ThrowAsync<RejectedException>(zombie!.InTransactionAsync(_database, t => WriteAsync(t, "late"), Schema));
        (await AskAsync("SELECT string_agg(what, ',') FROM business")).ShouldBe("done,undone");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_second_transaction_in_a_step_is_refused_and_the_first_one_undone(bool atTheSameTime)
    {
        List<string> refused = [];
        _work = async s =>
        {
            int result = await s.InTransactionAsync(
                _database,
                async t =>
                {
                    await (atTheSameTime ? AgainAsync(s) : Task.CompletedTask);
                    return await WriteAsync(t, "done");
                },
                Schema);
            await AgainAsync(s);
            return result;
        };
        _undo = s => s.InTransactionAsync(_database, t => WriteAsync(t, "undone"), Schema);
        FlowFailedException failed = await Should.ThrowAsync<FlowFailedException>(Perdure.Flow<int, int>("undoes").RunAsync(0));

        failed.Message.ShouldContain("PRD2008");
        refused.ShouldBe(["PRD2008", "PRD2008"], "once in each attempt");
        (await AskAsync("SELECT coalesce(string_agg(what, ','), 'nothing') FROM business")).ShouldBe(atTheSameTime ? "nothing" : "done,undone");

        async Task AgainAsync(StepContext s)
        {
            PerdureException e = await Should.ThrowAsync<PerdureException>(s.InTransactionAsync(_database, t => WriteAsync(t, "again"), Schema));
            refused.Add(e.Code);
            throw e;
        }
    }

    [Fact]
    public async Task After_a_transaction_that_was_taken_back_an_attempt_may_begin_another_one()
    {
        _work = async s =>
        {
            await Should.ThrowAsync<InvalidOperationException>(s.InTransactionAsync(
                _database,
                async t => await WriteAsync(t, "dear") == 7 ? throw new InvalidOperationException("too dear") : 0,
                Schema));
            return await s.InTransactionAsync(_database, t => WriteAsync(t, "cheap"), Schema);
        };

        (await Perdure.Flow<int, int>("works").RunAsync(0)).ShouldBe(7);
        (await AskAsync("SELECT string_agg(what, ',') FROM business")).ShouldBe("cheap");
    }

    [Fact]
    public async Task Each_database_has_a_row_of_its_own_for_a_step()
    {
        await AskAsync("DROP SCHEMA IF EXISTS other CASCADE; CREATE SCHEMA other");
        await AskAsync($"CREATE TABLE other.step_effect (LIKE \"{Schema}\".step_effect INCLUDING ALL)");
        int runs = 0;
        _work = async s =>
        {
            int here = await s.InTransactionAsync(_database, t => WriteAsync(t, "here"), Schema);
            int there = await s.InTransactionAsync(_database, t => WriteAsync(t, "there"), "other");
            return ++runs == 1 ? throw new TimeoutException("the answer is lost") : here + there;
        };

        (await Perdure.Flow<int, int>("works").RunAsync(0)).ShouldBe(14);
        (await AskAsync("SELECT string_agg(what, ',') FROM business")).ShouldBe("here,there");
    }

    [Fact]
    public async Task A_transaction_that_the_work_fails_in_leaves_nothing()
    {
        int runs = 0;
        _work = async s => await s.InTransactionAsync(
            _database,
            async t =>
            {
                int result = await WriteAsync(t, "done");
                return ++runs == 1 ? throw new TimeoutException("not yet") : result;
            },
            Schema);

        (await Perdure.Flow<int, int>("works").RunAsync(0)).ShouldBe(7);
        (await AskAsync("SELECT count(*) FROM business")).ShouldBe(1L);
    }

    private static async Task UntilAsync(string what, Func<Task<bool>> holds)
    {
        long began = TimeProvider.System.GetTimestamp();
        while (!await holds())
        {
            TimeProvider.System.GetElapsedTime(began).ShouldBeLessThan(TimeSpan.FromSeconds(30), what);
            await Task.Delay(10);
        }
    }

    private static async Task<int> WriteAsync(NpgsqlTransaction transaction, string what)
    {
        await using NpgsqlCommand command = new("INSERT INTO business VALUES ($1)", transaction.Connection, transaction) { Parameters = { new() { Value = what } } };
        await command.ExecuteNonQueryAsync();
        return 7;
    }

    private async Task<IHost> StartAsync()
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddPerdure(p => p
            .Configure(o => o.ShardCount = 4)
            .UsePostgres(one.Server.ConnectionString, o => o.Schema = Schema)
            .AddQueue("notes").AddHandler<Note>("notes", (note, _) => WriteAsync(note.Text))
            .AddEvent<Paid>(e => e.Order).Subscribe<Paid>("books", (paid, _) => WriteAsync(paid.Order))
            .AddFlow("adds", async (int n, FlowContext flow) => n + await flow.Signal<int>("go", Day))
            .AddFlow("works", (int _, FlowContext flow) => flow.Step(s => _work(s), retry: Retry.Fixed(3, TimeSpan.FromMilliseconds(1)), name: "work"))
            .AddFlow("undoes", (int _, FlowContext flow) => flow.Step(s => _work(s), undo: s => _undo(s), retry: Retry.Fixed(2, TimeSpan.FromMilliseconds(1)), name: "work")));
        IHost host = builder.Build();
        await host.StartAsync();
        return host;
    }

    private async Task<int> CountEventsAsync()
    {
        int count = 0;
        await foreach (EventInfo _ in Perdure.ListAsync(new EventFilter()))
        {
            count++;
        }

        return count;
    }

    private async Task WriteAsync(string what)
    {
        await using NpgsqlCommand command = _database.CreateCommand("INSERT INTO business VALUES ($1)");
        command.Parameters.Add(new NpgsqlParameter { Value = what });
        await command.ExecuteNonQueryAsync();
    }

    private async Task<object?> AskAsync(string sql)
    {
        await using NpgsqlCommand command = _database.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }

    public sealed record Note(string Text) : IJob;

    public sealed record Paid(string Order);
}
