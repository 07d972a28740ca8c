using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Perdure.Shared;

namespace Perdure.Stores.Tests;

/// <summary>Many clients, several loops, two groups under way: every message is handled, though most of them wake nobody.</summary>
public sealed class SeveralLoopsTests(OnePostgres postgres) : IClassFixture<OnePostgres>, IDisposable
{
    private const int Clients = 96;
    private const int RunsEach = 12;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("memory", 1)]
    [InlineData("memory", 4)]
    [InlineData("SQLite", 1)]
    [InlineData("SQLite", 4)]
    [InlineData("PostgreSQL", 1)]
    [InlineData("PostgreSQL", 4)]
    public async Task No_message_waits_for_ever(string store, int loops)
    {
        using IHost host = Build(store, loops);
        await host.StartAsync();
        PerdureClient perdure = host.Services.GetRequiredService<PerdureClient>();
        async Task<int> BeClientAsync(int client)
        {
            int sum = 0;
            for (int run = 0; run < RunsEach; run++)
            {
                // Clients stop and go at different times: the last ones meet loops with little to do.
                if (run <= client % RunsEach)
                {
                    FlowHandle<int> flow = await perdure.Flow<int, int>("sum").StartAsync(client, $"{client}-{run}");
                    await flow.SignalAsync(run, "more");
                    sum += await flow.ResultAsync();
                }
            }

            return sum;
        }

        int[] sums = await Task.WhenAll(Enumerable.Range(0, Clients).Select(BeClientAsync)).WaitAsync(Limit);
        sums.ShouldBe(Enumerable.Range(0, Clients).Select(client => Enumerable.Range(0, (client % RunsEach) + 1).Sum(run => (2 * client) + run + 1)));
        await host.StopAsync();
    }

    private IHost Build(string store, int loops)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddPerdure(perdure =>
        {
            perdure.Configure(options => options.Loops = loops);
            perdure.AddFlow("sum", async (int n, FlowContext flow) =>
            {
                int first = await flow.Step(() => Task.FromResult(n + 1), name: "now");
                int second = await flow.Step(
                    async () =>
                    {
                        await Task.Yield();
                        return n;
                    },
                    name: "later");
                return first + second + await flow.Signal<int>("more", TimeSpan.FromDays(1));
            });
            _ = store switch
            {
                "SQLite" => perdure.UseSqlite(_folder.File("flows.db")),
                "PostgreSQL" => perdure.UsePostgres(postgres.Server.ConnectionString, options => options.Schema = OnePostgres.NewSchema()),
                _ => perdure.UseMemory(),
            };
        });
        return builder.Build();
    }
}
