using System.Collections.Concurrent;
using Npgsql;
using Perdure.Postgres.Node;

namespace Perdure.Postgres.Tests;

/// <summary>Clients that start, signal and await flows while something is disturbed, and what they were told. It shares no code with the engine.</summary>
internal sealed class Load
{
    private const int Workers = 8; // more than may be at work at once
    private const int Lanes = 3;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private readonly Cluster _cluster;
    private readonly string _name;
    private readonly ConcurrentDictionary<string, int> _results = new();
    private readonly ConcurrentDictionary<string, int> _amounts = new();
    private readonly Task[] _clients;
    private volatile bool _stop;
    private int _last;
    private int _lastWork;

    private Load(Cluster cluster, int clients, string name, int workers)
    {
        _name = name;
        _cluster = cluster;
        _clients = [.. Enumerable.Range(0, clients).Select(_ => Task.Run(RunAsync)), .. Enumerable.Range(0, workers).Select(_ => Task.Run(WorkAsync))];
    }

    /// <summary>How many flows have ended, as far as their clients know.</summary>
    public int Ended => _results.Count;

    public static Load Begin(Cluster cluster, int clients = 6, string name = "f", int workers = Workers) => new(cluster, clients, name, workers);

    /// <summary>The flows whose ends were told.</summary>
    public IEnumerable<string> Ids => _results.Keys;

    /// <summary>Waits until so many flows more have ended: there is progress.</summary>
    public async Task MoreAsync(int count)
    {
        int until = Ended + count;
        long began = TimeProvider.System.GetTimestamp();
        while (Ended < until)
        {
            if (TimeProvider.System.GetElapsedTime(began) > Limit)
            {
                throw new TimeoutException($"Missing: {until - Ended} ends of flows, of {count}. Node a: {Tail(_cluster.A)}; node b: {Tail(_cluster.B)}");
            }

            if (_clients.FirstOrDefault(c => c.IsFaulted) is { } failed)
            {
                await failed;
            }

            await Task.Delay(10);
        }
    }

    /// <summary>Ends the load; each client hears the end of its last flow.</summary>
    public async Task EndAsync()
    {
        _stop = true;
        await Task.WhenAny(Task.WhenAll(_clients), Task.Delay(Limit));
        if (!_clients.All(c => c.IsCompleted))
        {
            throw new TimeoutException($"Missing: the ends of {string.Join(Environment.NewLine, await MissingAsync())}{Environment.NewLine}Node a: {Tail(_cluster.A)}; node b: {Tail(_cluster.B)}");
        }

        await Task.WhenAll(_clients);
    }

    /// <summary>Ends the load, and compares what the clients were told with what is in the tables; and looks whether each node has said once of each fault what happened.</summary>
    public async Task CheckAsync()
    {
        await EndAsync();
        _results.Keys.Order().ShouldBe(_amounts.Keys.Order(), "every start that was told has an end");
        foreach ((string id, int result) in _results)
        {
            int amount = _amounts[id];
            result.ShouldBe(amount % 2 == 0 ? (3 * amount) + 1_000 : 3 * amount, $"the result of {id}");
        }

        Dictionary<string, int> entries = [];
        await using NpgsqlCommand command = _cluster.Look.CreateCommand("SELECT flow || ' ' || step, count(*) FROM entry WHERE starts_with(flow, $1) GROUP BY 1");
        command.Parameters.Add(new NpgsqlParameter { Value = _name });
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            entries.Add(reader.GetString(0), (int)reader.GetInt64(1));
        }

        entries.Where(e => e.Value != 1).ShouldBeEmpty("what happened twice");
        entries.Keys.Order().ShouldBe(_amounts.Keys.SelectMany(id => new[] { "first", "second", "third" }, (id, step) => $"{id} {step}").Order());
        await Attempts.CheckAsync(_cluster.Look);
        await _cluster.OutagesAreOverAsync();
    }

    /// <summary>Flows that were begun and have not ended as far as their clients know, as they are in the store.</summary>
    private async Task<List<string>> MissingAsync()
    {
        List<string> missing = [];
        foreach (string id in Enumerable.Range(1, _last).Select(n => $"{_name}{n}").Where(id => !_results.ContainsKey(id)))
        {
            string flow = "no run";
            try
            {
                flow = (await _cluster.Perdure.Get("pay", id).DescribeAsync()).ToString();
            }
            catch (FlowNotFoundException)
            {
                // It says so.
            }

            object? inbox = await _cluster.AskAsync($"SELECT string_agg(shard || ' ' || kind || ' ' || id, ', ') FROM \"{NodeHost.Schema}\".inbox WHERE to_id = '{id}'");
            missing.Add($"{id} ({(_amounts.ContainsKey(id) ? "told" : "not told")}): {flow}; inbox: {inbox}");
        }

        return missing;
    }

    private static string Tail(NodeProcess node) => string.Join(" | ", node.Log.TakeLast(6));

    private async Task RunAsync()
    {
        while (!_stop)
        {
            int amount = Interlocked.Increment(ref _last);
            string id = $"{_name}{amount}";
            IFlowClient<IFlow<int, int>> pay = _cluster.Perdure.Flow<int, int>("pay");
            FlowHandle<int> run = await AgainAsync(() => pay.StartAsync(amount, id));
            _amounts[id] = amount; // it is told that it is durable
            if (amount % 2 == 0)
            {
                await AgainAsync(async () =>
                {
                    await run.SignalAsync(1_000, "go", signalId: "one");
                    return true;
                });
            }

            _results[id] = await AgainAsync(() => run.ResultAsync());
        }
    }

    private async Task WorkAsync()
    {
        while (!_stop)
        {
            int number = Interlocked.Increment(ref _lastWork);
            var work = new Work($"{_name} {number}", $"lane {number % Lanes}", number);
            (await AgainAsync(async () => await (await _cluster.Perdure.EnqueueAsync(work)).ResultAsync())).ShouldBe(number);
        }
    }

    /// <summary>Who is told that nobody can say asks again, with the same id.</summary>
    public static async Task<T> AgainAsync<T>(Func<Task<T>> call)
    {
        while (true)
        {
            try
            {
                return await call();
            }
            catch (Exception e) when (e is StoreUnavailableException or Storage.StoreException)
            {
                await Task.Delay(50);
            }
        }
    }
}
