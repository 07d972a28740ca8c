using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Perdure.Postgres.Node;

/// <summary>One node of a cluster that tests disturb, with the flows of all of them.</summary>
internal static class NodeHost
{
    /// <summary>How long a node counts as alive after it was heard of last, unless a test wants it otherwise.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(3);

    public static readonly TimeSpan Limit = TimeSpan.FromHours(1);

    public const string Schema = "perdure nodes";

    /// <param name="name">What the node is called.</param>
    /// <param name="database">The connection string.</param>
    /// <param name="skew">How far its clock is ahead.</param>
    /// <param name="lease">How long it counts as alive after it was heard of last.</param>
    /// <param name="prepare">Whether its statements are prepared.</param>
    /// <param name="log">Where its log goes; to the console by default.</param>
    public static IHost Build(string name, string database, TimeSpan skew, TimeSpan lease, bool prepare, ILoggerProvider? log = null)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.SetMinimumLevel(LogLevel.Information);
        _ = log is null ? builder.Logging.AddSimpleConsole(c => c.SingleLine = true) : builder.Logging.AddProvider(log);
        builder.Services.AddSingleton(NpgsqlDataSource.Create(database));
        builder.Services.AddSingleton<TimeProvider>(new SkewedTime(skew));
        builder.Services.AddPerdure(p => p
            .Configure(o =>
            {
                o.NodeName = name;
                o.NodeLease = lease;
                o.ShardCount = 12;
                o.ShutdownGrace = TimeSpan.FromSeconds(2);
            })
            .UsePostgres(database, o =>
            {
                o.Schema = Schema;
                o.Prepare = prepare;
            })
            .AddFlow("pay", static (int amount, FlowContext flow, NpgsqlDataSource entries) => PayAsync(amount, flow, entries))
            .AddQueue(Work.Queue, q =>
            {
                q.Concurrency = Work.AtOnce;
                q.ConcurrencyPerKey = Work.AtOncePerLane;
                q.Retry = Retry.Forever with { Cap = TimeSpan.FromSeconds(1) };
            })
            .AddJob<Work>(Work.Queue, j =>
            {
                j.Key = static work => work.Lane;
                j.DedupKey = static work => work.Name;
            })
            .AddHandler<Work, int>(Work.Queue, (work, job) => work.DoAsync(job, name)));
        return builder.Build();
    }

    /// <summary>Writes three entries, each exactly once, and waits for its client's word between them where the amount is even.</summary>
    private static async Task<int> PayAsync(int amount, FlowContext flow, NpgsqlDataSource entries)
    {
        int sum = await flow.Step(s => s.InTransactionAsync(entries, t => EnterAsync(t, flow.Id, "first", amount), Schema), name: "first");
        if (amount % 2 == 0)
        {
            sum += await flow.Signal<int>("go", Limit);
        }

        sum += await flow.Step(s => s.InTransactionAsync(entries, t => EnterAsync(t, flow.Id, "second", amount), Schema), name: "second");
        return sum + await flow.Step(s => s.InTransactionAsync(entries, t => EnterAsync(t, flow.Id, "third", amount), Schema), name: "third");
    }

    private static async Task<int> EnterAsync(NpgsqlTransaction transaction, string flow, string step, int amount)
    {
        await using NpgsqlCommand command = new("INSERT INTO entry (flow, step, amount) VALUES ($1, $2, $3)", transaction.Connection, transaction)
        {
            Parameters = { new() { Value = flow }, new() { Value = step }, new() { Value = amount } },
        };
        await command.ExecuteNonQueryAsync();
        return amount;
    }

    /// <summary>A clock that is wrong.</summary>
    private sealed class SkewedTime(TimeSpan skew) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + skew;
    }
}
