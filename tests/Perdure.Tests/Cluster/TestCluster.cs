using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Perdure.Engine;
using Perdure.Hosting;
using Perdure.Storage;
using Perdure.Testing.Running;

namespace Perdure.Tests.Cluster;

/// <summary>Several nodes in one process, on a memory store that they share.</summary>
internal sealed class TestCluster(Action<PerdureBuilder> configure, TimeProvider? time = null) : IAsyncDisposable
{
    public const int ShardCount = 12;

    private readonly List<TestNode> _nodes = [];

    public SharedMemory Shared { get; } = new(TimeProvider.System);

    /// <summary>How many shards each of the nodes has, by the store's books.</summary>
    public int[] Shares => [.. _nodes.Where(n => n.IsAlive).Select(n => Shared.Owned[n.Name].Count(s => s < ShardCount))];

    public async Task<TestNode> JoinAsync(string name, Action<PerdureBuilder>? code = null)
    {
        var store = new SharedMemoryStore(Shared);
        var log = new TestLog();
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddProvider(log);
        builder.Services.AddSingleton(time ?? TimeProvider.System);
        builder.Services.AddPerdure(p =>
        {
            p.Configure(o =>
            {
                o.ShardCount = ShardCount;
                o.ShutdownGrace = TimeSpan.FromSeconds(1);
                o.NodeName = name;
                o.NodeLease = TimeSpan.FromMinutes(1); // tests say when it ends
            });
            (code ?? configure)(p);
            p.UseStore(_ => store);
        });
        IHost host = builder.Build();
        var node = new TestNode(name, host, store, log);
        _nodes.Add(node);
        await host.StartAsync();
        return node;
    }

    /// <summary>Joins, and waits until all have their share.</summary>
    public async Task<TestNode> JoinAndShareAsync(string name, Action<PerdureBuilder>? code = null)
    {
        TestNode node = await JoinAsync(name, code);
        await IsEvenAsync();
        return node;
    }

    public Task IsEvenAsync() => Deadline.UntilAsync($"even shares, not {string.Join(", ", Shares)}", () => Task.FromResult(Shares.Sum() == ShardCount && Shares.Max() - Shares.Min() <= 1 && _nodes.Where(n => n.IsAlive).All(n => n.IsAtHome(Shared))));

    public async ValueTask DisposeAsync()
    {
        foreach (TestNode node in _nodes.Where(n => n.IsAlive).ToList())
        {
            await node.StopAsync();
        }
    }
}

internal sealed class TestNode(string name, IHost host, SharedMemoryStore store, TestLog log)
{
    public string Name => name;

    public TestLog Log => log;

    public SharedMemoryStore Store => store;

    public bool IsAlive { get; private set; } = true;

    public PerdureClient Perdure => host.Services.GetRequiredService<PerdureClient>();

    public Node Node => host.Services.GetRequiredService<NodeHolder>().Node;

    /// <summary>An id whose run lives on this node now.</summary>
    public string IdHere(string type) => Enumerable.Range(0, 10_000).Select(i => $"{name}{i}").First(id => Node.Here(Node.ShardOf(new FlowKey(type, id))) is not null);

    /// <summary>Whether it runs what the store says it has.</summary>
    public bool IsAtHome(SharedMemory shared)
        => Node.Shards.Take(TestCluster.ShardCount).Where(s => !s.Recovery.IsElsewhere).Select(s => s.Index).SequenceEqual(shared.Owned[name].Where(s => s < TestCluster.ShardCount)) && Node.IsReady;

    /// <summary>The process dies.</summary>
    public void Die()
    {
        IsAlive = false;
        store.Die();
        _ = Node.Worker.StopAsync(TimeSpan.Zero); // the dead run no steps
        _ = Node.Jobs.StopAsync(TimeSpan.Zero);
    }

    public async Task StopAsync()
    {
        IsAlive = false;
        await host.StopAsync();
        host.Dispose();
    }
}
