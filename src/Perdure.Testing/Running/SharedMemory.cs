using Perdure.Storage;

namespace Perdure.Testing.Running;

/// <summary>One memory store that several nodes share, each through a <see cref="SharedMemoryStore"/> of its own. It judges leases by one clock.</summary>
internal sealed class SharedMemory(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, Living> _nodes = [];
    private readonly SortedDictionary<int, (long Node, Guid Token)> _owners = [];
    private long _last;

    public MemoryStore Memory { get; } = new();

    /// <summary>How often nodes have said that they live.</summary>
    public int Beats { get; private set; }

    /// <summary>Whether no wake-up arrives any more.</summary>
    public bool LosesWakeUps { get; set; }

    /// <summary>The shards that each node has, by the store's own books.</summary>
    public ILookup<string, int> Owned
    {
        get
        {
            lock (_gate)
            {
                return _owners.Where(o => o.Key < NodeLease.FirstInbox && _nodes.ContainsKey(o.Value.Node)).ToLookup(o => _nodes[o.Value.Node].Lease.Name, o => o.Key);
            }
        }
    }

    public NodeLease Join(string name, TimeSpan duration)
    {
        lock (_gate)
        {
            var lease = new NodeLease(++_last, name, duration);
            _nodes.Add(lease.Node, new Living(lease, time.GetUtcNow()) { Until = time.GetUtcNow() + duration });
            return lease;
        }
    }

    public ClusterView? Beat(NodeLease lease)
    {
        lock (_gate)
        {
            Bury();
            if (!_nodes.TryGetValue(lease.Node, out Living? me))
            {
                return null;
            }

            Beats++;
            me.Until = time.GetUtcNow() + lease.Duration;
            return new ClusterView(
                [.. _nodes.Values.Select(n => new LivingNode(n.Lease.Node, n.Lease.Name, n.JoinedAt))],
                [.. _owners.Where(o => o.Key < NodeLease.FirstInbox || o.Key == lease.Inbox).Select(o => new ShardOwner(o.Key, o.Value.Node, Memory.BatchOf(o.Key)))]);
        }
    }

    public void Leave(NodeLease lease)
    {
        lock (_gate)
        {
            Remove(lease.Node);
        }

        TellAll();
    }

    public IReadOnlyList<ShardLease> Take(NodeLease lease, IReadOnlyList<int> shards, Guid token)
    {
        lock (_gate)
        {
            Bury();
            List<int> free = _nodes.ContainsKey(lease.Node) ? [.. shards.Where(s => !_owners.TryGetValue(s, out (long Node, Guid Token) owner) || owner.Node == lease.Node)] : [];
            HashSet<int> own = [.. free.Where(_owners.ContainsKey)];
            free.ForEach(s => _owners[s] = (lease.Node, token));
            return Memory.TakeShardsAsync(free, token, own.Contains, CancellationToken.None).Result;
        }
    }

    public void Released(IReadOnlyList<ShardLease> leases)
    {
        lock (_gate)
        {
            foreach (ShardLease free in leases.Where(l => _owners.TryGetValue(l.Shard, out (long Node, Guid Token) owner) && owner.Token == l.Token))
            {
                _owners.Remove(free.Shard);
            }
        }
    }

    /// <summary>A node's lease has ended by the store's clock, and the others are told to look.</summary>
    public void Expire(string name)
    {
        lock (_gate)
        {
            Remove(_nodes.Values.Single(n => n.Lease.Name == name).Lease.Node);
        }

        TellAll();
    }

    public void Wake(long node, IReadOnlyCollection<int> shards)
    {
        Action<IReadOnlyList<int>>? mail;
        lock (_gate)
        {
            mail = LosesWakeUps ? null : _nodes.GetValueOrDefault(node)?.Mail;
        }

        if (mail is not null)
        {
            ThreadPool.QueueUserWorkItem(_ => mail([.. shards]));
        }
    }

    public IDisposable Listen(NodeLease lease, Action<IReadOnlyList<int>> mail)
    {
        lock (_gate)
        {
            return _nodes.TryGetValue(lease.Node, out Living? node) ? new Listening(node, mail) : new MemoryStream();
        }
    }

    private void TellAll()
    {
        List<Action<IReadOnlyList<int>>> mails;
        lock (_gate)
        {
            mails = [.. _nodes.Values.Select(n => n.Mail).OfType<Action<IReadOnlyList<int>>>()];
        }

        mails.ForEach(mail => mail([]));
    }

    private void Bury()
    {
        DateTimeOffset now = time.GetUtcNow();
        foreach (Living dead in _nodes.Values.Where(n => n.Until <= now).ToList())
        {
            Remove(dead.Lease.Node);
        }
    }

    private void Remove(long node)
    {
        if (_nodes.Remove(node))
        {
            Memory.ForgetInbox(NodeLease.InboxOf(node));
        }

        foreach (int shard in _owners.Where(o => o.Value.Node == node).Select(o => o.Key).ToList())
        {
            _owners.Remove(shard);
        }
    }

    private sealed class Living(NodeLease lease, DateTimeOffset joinedAt)
    {
        public NodeLease Lease => lease;

        public DateTimeOffset JoinedAt => joinedAt;

        public DateTimeOffset Until { get; set; }

        public Action<IReadOnlyList<int>>? Mail { get; set; }
    }

    private sealed class Listening : IDisposable
    {
        private readonly Living _node;

        public Listening(Living node, Action<IReadOnlyList<int>> mail)
        {
            _node = node;
            node.Mail = mail;
        }

        public void Dispose() => _node.Mail = null;
    }
}

/// <summary>A shared memory store as one node sees it. A test can let the node die, or freeze: then nothing reaches the store until it goes on.</summary>
internal sealed class SharedMemoryStore(SharedMemory shared) : ProcessStore(shared.Memory), ISharedStore
{
    private volatile bool _dead;
    private volatile TaskCompletionSource? _frozen;
    private Action<IReadOnlyList<int>>? _mail;

    protected override bool IsDead => _dead;

    /// <summary>Stands around this node's commits; null for nothing.</summary>
    public Func<IReadOnlyList<ShardBatch>, Func<Task<IReadOnlyList<CommitAnswer>>>, Task<IReadOnlyList<CommitAnswer>>>? Around { get; set; }

    public void Die() => _dead = true;

    public void Freeze() => _frozen = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void GoOn()
    {
        TaskCompletionSource? frozen = _frozen;
        _frozen = null;
        frozen?.SetResult();
        _mail?.Invoke([]); // as a connection that is made again
    }

    public override Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<ShardBatch> batches, CancellationToken cancellationToken)
    {
        return Reaches(() => Around is { } around ? around(batches, Commit) : Commit());

        Task<IReadOnlyList<CommitAnswer>> Commit() => base.CommitAsync(batches, cancellationToken);
    }

    public Task<NodeLease> JoinAsync(string name, TimeSpan lease, CancellationToken cancellationToken)
        => Reaches(() => Task.FromResult(shared.Join(name, lease)));

    public Task<ClusterView?> BeatAsync(NodeLease node, CancellationToken cancellationToken) => Reaches(() => Task.FromResult(shared.Beat(node)));

    public Task LeaveAsync(NodeLease node, CancellationToken cancellationToken)
        => Reaches(() =>
        {
            shared.Leave(node);
            return Task.FromResult(true);
        });

    public Task<IReadOnlyList<ShardLease>> TakeShardsAsync(NodeLease node, IReadOnlyList<int> shards, Guid token, CancellationToken cancellationToken)
        => Reaches(() => Task.FromResult(shared.Take(node, shards, token)));

    public override async Task ReleaseShardsAsync(IReadOnlyList<ShardLease> leases, CancellationToken cancellationToken)
    {
        await base.ReleaseShardsAsync(leases, cancellationToken);
        shared.Released(leases);
    }

    public Task<IReadOnlyList<InboxRow>> ReadInboxesAsync(IReadOnlyList<int> shards, CancellationToken cancellationToken)
        => Reaches(async () =>
        {
            List<InboxRow> rows = [];
            foreach (int shard in shards.Order())
            {
                rows.AddRange(await shared.Memory.ReadInboxAsync(shard, cancellationToken));
            }

            return (IReadOnlyList<InboxRow>)rows;
        });

    public void Wake(long node, IReadOnlyCollection<int> shards)
    {
        if (!_dead && _frozen is null)
        {
            shared.Wake(node, shards);
        }
    }

    public IDisposable Listen(NodeLease node, Action<IReadOnlyList<int>> mail) => shared.Listen(node, _mail = mail);

    private async Task<T> Reaches<T>(Func<Task<T>> call)
    {
        if (_frozen is { } frozen)
        {
            await frozen.Task;
        }

        return await Alive(call);
    }
}
