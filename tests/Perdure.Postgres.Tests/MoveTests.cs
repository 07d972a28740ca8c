using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Perdure.Diagnostics;
using Perdure.Shared;
using Perdure.Sqlite;
using Perdure.Storage;

namespace Perdure.Postgres.Tests;

/// <summary>A store is moved from SQLite to PostgreSQL and back, with all that is under way in it.</summary>
public sealed class MoveTests(OnePostgres postgres) : IClassFixture<OnePostgres>, IDisposable
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("perdure-move-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task What_is_under_way_goes_on_in_the_copy_there_and_back()
    {
        string schema = OnePostgres.NewSchema();
        using (IHost host = await StartAsync(p => p.UseSqlite(File("first.db"))))
        {
            PerdureClient perdure = host.Services.GetRequiredService<PerdureClient>();
            for (int i = 0; i < 300; i++)
            {
                await perdure.Flow<int, string>("order").StartAsync(i, $"o{i}");
            }

            await perdure.Flow<int, string>("order").Get("o0").SignalAsync("first", "go");
            await perdure.Flow<int, string>("order").Get("o0").SignalAsync("second", "go");
            (await perdure.Flow<int, string>("order").Get("o0").ResultAsync()).ShouldStartWith("0 first second ");
            await perdure.Flow<int, string>("order").Get("o1").SignalAsync("first", "go");
            await perdure.Queue("later").PauseAsync();
            await perdure.EnqueueAsync(new Mail("waiting"));
            await perdure.PublishAsync(new Paid("o1"));
            await host.StopAsync();
        }

        StoreContent there = await StoreCopy.CopyAsync(new SqliteStore(File("first.db")), postgres.Store(schema));
        (there.Flows, there.Jobs, there.Events).ShouldBe((300, 1, 1));
        (await Should.ThrowAsync<StoreException>(StoreCopy.CopyAsync(new SqliteStore(File("first.db")), postgres.Store(schema)))).Code.ShouldBe(ErrorCodes.StoreNotEmpty);

        string chance;
        using (IHost host = await StartAsync(p => p.UsePostgres(postgres.Server.ConnectionString, o => o.Schema = schema)))
        {
            PerdureClient perdure = host.Services.GetRequiredService<PerdureClient>();
            (await Should.ThrowAsync<StoreException>(StoreCopy.CopyAsync(postgres.Store(schema), new SqliteStore(File("refused.db"))))).Code.ShouldBe(ErrorCodes.StoreInUse);
            await perdure.Flow<int, string>("order").Get("o1").SignalAsync("second", "go");
            chance = (await perdure.Flow<int, string>("order").Get("o1").ResultAsync()).Split(' ')[^1];
            await perdure.Flow<int, string>("order").Get("o2").SignalAsync("first", "go");
            await host.StopAsync();
        }

        StoreContent back = await StoreCopy.CopyAsync(postgres.Store(schema), new SqliteStore(File("second.db")));
        (back.Flows, back.Jobs, back.Events).ShouldBe((300, 1, 1));
        using (IHost host = await StartAsync(p => p.UseSqlite(File("second.db"))))
        {
            PerdureClient perdure = host.Services.GetRequiredService<PerdureClient>();
            await perdure.Flow<int, string>("order").Get("o2").SignalAsync("second", "go");
            (await perdure.Flow<int, string>("order").Get("o2").ResultAsync()).ShouldStartWith("2 first second ");
            (await perdure.Flow<int, string>("order").Get("o1").ResultAsync()).ShouldEndWith(chance);
            (await perdure.CheckReplayAsync()).Passes.ShouldBeTrue();
            (await perdure.CountAsync(new FlowFilter { Statuses = [FlowStatus.Running] })).ShouldBe(297);
            await perdure.Queue("later").ResumeAsync();
            await MailHandler.Done.Task.WaitAsync(TimeSpan.FromSeconds(30));
            await host.StopAsync();
        }
    }

    private static async Task<IHost> StartAsync(Action<PerdureBuilder> use)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddPerdure(p =>
        {
            use(p.Configure(o => o.ShardCount = 8)
                .AddFlow("order", async (int n, FlowContext flow) =>
                {
                    int chance = flow.Random.Next();
                    string step = await flow.Step(() => Task.FromResult($"{n}"), name: "step");
                    return $"{step} {await flow.Signal<string>("go", Day)} {await flow.Signal<string>("go", Day)} {chance}";
                })
                .AddQueue("later").AddHandler<Mail, MailHandler>("later")
                .AddEvent<Paid>(e => e.Order));
        });
        IHost host = builder.Build();
        await host.StartAsync();
        return host;
    }

    private string File(string name) => Path.Combine(_folder.FullName, name);

    public sealed record Mail(string To) : IJob;

    public sealed record Paid(string Order);

    public sealed class MailHandler : IHandler<Mail>
    {
        public static TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task HandleAsync(Mail message, JobContext context)
        {
            Done.TrySetResult();
            return Task.CompletedTask;
        }
    }
}
