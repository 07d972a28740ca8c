using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Perdure.Shared;

namespace Perdure.Postgres.Tests;

/// <summary>Flows and jobs over a server that comes and goes.</summary>
public sealed class EngineTests(OnePostgres postgres) : IClassFixture<OnePostgres>
{
    private const int Clients = 12;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly ConcurrentDictionary<string, int> _effects = [];
    private readonly ConcurrentDictionary<int, TaskCompletionSource> _jobs = [];
    private readonly Channel<int> _results = Channel.CreateUnbounded<int>();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Flows_and_jobs_go_on_after_a_server_that_was_killed_or_ended_all_sessions(bool kills)
    {
        using IHost host = Build(OnePostgres.NewSchema());
        await host.StartAsync();
        PerdureClient perdure = host.Services.GetRequiredService<PerdureClient>();
        using CancellationTokenSource stop = new();
        Task<int>[] clients = [.. Enumerable.Range(0, Clients).Select(client => BeClientAsync(perdure, client, stop.Token))];
        for (int round = 0; round < (kills ? 3 : 10); round++)
        {
            await MoreAsync(Clients, clients).WaitAsync(Limit);
            if (kills)
            {
                await postgres.Server.KillAsync();
                await postgres.Server.StartAsync();
            }
            else
            {
                await postgres.AskAsync("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'perdure %'");
            }
        }

        await MoreAsync(Clients, clients).WaitAsync(Limit);
        await stop.CancelAsync();
        int[] runs = await Task.WhenAll(clients).WaitAsync(Limit);

        // Each step had its effect under one key, and each job was done.
        IEnumerable<string> expected = Enumerable.Range(0, Clients).SelectMany(client => Enumerable.Range(0, runs[client]).SelectMany(run => new[] { $"{client}-{run} first", $"{client}-{run} second" }));
        _effects.Keys.Order().ShouldBe(expected.Order());
        (await perdure.CountAsync(new FlowFilter { Statuses = [FlowStatus.Completed] })).ShouldBe(runs.Sum());
        (await perdure.CountAsync(new FlowFilter())).ShouldBe(runs.Sum());
        _jobs.Values.Count(job => job.Task.IsCompletedSuccessfully).ShouldBe(runs.Sum());
        await host.StopAsync();
    }

    /// <summary>Runs one flow after another, and enqueues a job for each; an unknown outcome is asked for again under the same id.</summary>
    private async Task<int> BeClientAsync(PerdureClient perdure, int client, CancellationToken stop)
    {
        int run = 0;
        for (; !stop.IsCancellationRequested; run++)
        {
            string id = $"{client}-{run}";
            int number = (client * 1_000_000) + run;
            int result = await AgainAsync(() => perdure.Flow<int, int>("sum").RunAsync(number, id));
            result.ShouldBe(2 * number);
            await AgainAsync(() => perdure.EnqueueAsync(new Count(number), new JobOptions { DedupKey = id }));
            await AgainAsync(() => perdure.Flow<int, int>("sum").Get(id).ResultAsync());
            await Done(number).Task;
            _results.Writer.TryWrite(number);
        }

        return run;
    }

    private static async Task<T> AgainAsync<T>(Func<Task<T>> askAsync)
    {
        while (true)
        {
            try
            {
                return await askAsync();
            }
            catch (StoreUnavailableException)
            {
                // Nobody knows; asked again with the same id.
            }
        }
    }

    private async Task MoreAsync(int results, Task<int>[] clients)
    {
        while (_results.Reader.TryRead(out _))
        {
            // What came before counts for nothing.
        }

        for (int i = 0; i < results; i++)
        {
            Task more = _results.Reader.ReadAsync().AsTask();
            await await Task.WhenAny([more, .. clients]); // one that has failed says why
        }
    }

    private TaskCompletionSource Done(int job) => _jobs.GetOrAdd(job, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously));

    private IHost Build(string schema)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddPerdure(perdure => perdure
            .AddFlow("sum", async (int n, FlowContext flow) =>
            {
                string id = $"{n / 1_000_000}-{n % 1_000_000}";
                int first = await flow.Step(() => EffectAsync($"{id} first", n), name: "first");
                return await flow.Step(() => EffectAsync($"{id} second", first + n), name: "second");
            })
            .AddQueue("counts", queue => queue.Concurrency = 4)
            .AddHandler<Count>("counts", (job, _) =>
            {
                Done(job.Number).TrySetResult();
                return Task.CompletedTask;
            })
            .UsePostgres(postgres.Server.ConnectionString, options => options.Schema = schema));
        return builder.Build();
    }

    private async Task<int> EffectAsync(string key, int result)
    {
        await Task.Yield();
        _effects.AddOrUpdate(key, 1, (_, times) => times + 1);
        return result;
    }

    internal sealed record Count(int Number) : IJob;
}
