using Perdure.Queues;

namespace Perdure.Tests.Queues;

/// <summary>A dispatcher and the model of it, which do and are asked the same, by chance.</summary>
internal sealed class DispatchWorld
{
    private static readonly TimeSpan[] Ageings = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(7), TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(1)];

    private readonly Random _random;
    private readonly RandomPolicy _policies;
    private readonly Dictionary<string, int> _spread;
    private readonly Dictionary<string, DateTimeOffset> _told = [];
    private readonly Dictionary<string, PoolOptions> _pools = [];
    private readonly string _about;
    private TimedGate?[] _gates = [];
    private TimedGate?[] _modelGates = [];
    private Dispatcher _dispatcher;
    private DispatchModel _model;
    private DateTimeOffset _clock = new(2026, 3, 27, 8, 0, 0, TimeSpan.Zero);
    private long _number;
    private long _ratesFrom;

    public DispatchWorld(int seed, Dictionary<string, int> spread)
    {
        _random = new Random(seed);
        _policies = new RandomPolicy(_random);
        _spread = spread;
        _about = $"seed {seed}";
        _dispatcher = new Dispatcher(_clock);
        _model = new DispatchModel(_clock);
        int queues = _random.Next(1, 5);
        for (int i = 0; i < queues; i++)
        {
            SetQueue($"q{i}");
        }

        foreach (string pool in RandomPolicy.Pools.Where(_ => !_policies.Chance(12)))
        {
            SetPool(pool);
        }
    }

    public void Drive(int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            Act(_random.Next(200));
            Compare();
        }
    }

    private void Act(int choice)
    {
        ModelQueue queue = _model.Queues[_random.Next(_model.Queues.Count)];
        switch (choice)
        {
            case < 60:
                Add(_policies.Job(++_number, queue.Name, _clock));
                break;
            case < 130:
                Next();
                break;
            case < 165:
                End(queue);
                break;
            case < 171:
                Remove(queue);
                break;
            case < 180:
                ChangePriority(queue);
                break;
            case < 183:
                SetQueue(queue.Name);
                break;
            case < 185:
                SetPool(RandomPolicy.Pools[_random.Next(3)]);
                break;
            case < 188:
                queue.Stopped = _policies.Chance(3);
                _dispatcher.SetStopped(queue.Name, queue.Stopped);
                break;
            case < 192:
                queue.Credit = _policies.Chance(2) ? null : _random.Next(4);
                _dispatcher.SetCredit(queue.Name, queue.Credit);
                break;
            case < 199:
                TakeRates();
                break;
            default:
                Restart();
                break;
        }
    }

    private void Add(Job job)
    {
        _dispatcher.Add(job);
        _model[job.Queue].Add(job);
    }

    private void Next()
    {
        _clock += _policies.Step();
        Job? expected = _model.Next(_clock);
        Job? next = _dispatcher.Next(_clock);
        next.ShouldBeSameAs(expected, $"{_about}: {next?.Queue} {next?.Number} instead of {expected?.Queue} {expected?.Number}");
        Count(next is null ? "none" : "started");
        if (next is not null)
        {
            Note(_model[next.Queue], next);
        }
        else
        {
            AskNextChange();
        }
    }

    private void Note(ModelQueue queue, Job job)
    {
        Count(queue.Policy.InOrder && job.Key is not null ? "in order" : "any order");
        Count(queue.Policy.FairKeys ? "fair" : "by number");
        Count(queue.Policy.Ageing is null ? "ageless" : "ageing");
        Count(queue.Policy.Uses.Count > 0 ? "with pools" : "without pools");
        Count(queue.Waiting.Exists(j => j.Priority < job.Priority) ? "worse priority" : "best priority");
        Count(queue.Gate is not null ? "gated" : "ungated");
    }

    /// <summary>Before the time it gives, time alone starts nothing.</summary>
    private void AskNextChange()
    {
        DateTimeOffset? change = _dispatcher.NextChange(_clock);
        long from = _model.Now;
        long to = change?.UtcTicks ?? from + TimeSpan.FromDays(9).Ticks;
        to.ShouldBeGreaterThan(from, _about);
        foreach (long at in ((long[])[to - 1, .. Enumerable.Range(0, 3).Select(_ => _random.NextInt64(from, to))]).Order())
        {
            _model.Choice(at).ShouldBeNull($"{_about}: {Ticks.At(at):O} is before {change:O}");
        }

        Count(change is null ? "no change" : _model.Choice(to) is not null ? "change starts" : "change for nothing");
        if (change is not null && _policies.Chance(2))
        {
            _clock = change.Value;
        }
    }

    private void End(ModelQueue queue)
    {
        if (queue.Running.Count > 0)
        {
            Job job = queue.Running.Keys.OrderBy(j => j.Number).ElementAt(_random.Next(queue.Running.Count));
            bool comesBack = _policies.Chance(3);
            queue.Ended(job, comesBack);
            _dispatcher.Ended(job, comesBack);
            int index = queue.Order;
            if (_gates[index]?.Inside > 0)
            {
                _gates[index]!.Leave();
                _modelGates[index]!.Leave();
            }

            if (comesBack && !queue.ComingBack.Contains(job) && _policies.Chance(2))
            {
                Add(job);
            }
        }
        else if (queue.ComingBack.Count > 0)
        {
            Add(queue.ComingBack[_random.Next(queue.ComingBack.Count)]);
            Count("came back");
        }
    }

    private void Remove(ModelQueue queue)
    {
        List<Job> all = [.. queue.Waiting, .. queue.ComingBack];
        if (all.Count > 0)
        {
            Job job = all[_random.Next(all.Count)];
            queue.Remove(job);
            _dispatcher.Remove(job);
            Count("removed");
        }
    }

    private void ChangePriority(ModelQueue queue)
    {
        if (queue.Waiting.Count > 0)
        {
            Job job = queue.Waiting[_random.Next(queue.Waiting.Count)];
            job.Priority = _random.Next(-3, 6);
            _dispatcher.PriorityChanged(job);
            Count("priority changed");
        }
    }

    private void SetQueue(string name)
    {
        QueueOptions policy = _policies.Queue(Ageings[_random.Next(Ageings.Length)]);
        int order = int.Parse(name[1..], System.Globalization.CultureInfo.InvariantCulture);
        (TimeSpan Stretch, int Places)? gate = _policies.Chance(4) ? (TimeSpan.FromSeconds(_random.Next(1, 40)), _random.Next(1, 4)) : null;
        Array.Resize(ref _gates, Math.Max(_gates.Length, order + 1));
        Array.Resize(ref _modelGates, _gates.Length);
        _gates[order] = gate is { } g ? new TimedGate(g.Stretch, g.Places) : null;
        _modelGates[order] = gate is { } m ? new TimedGate(m.Stretch, m.Places) : null;
        _dispatcher.SetQueue(name, policy, _gates[order]);
        _model.SetQueue(name, policy, _modelGates[order]);
        Count("queue set");
    }

    private void SetPool(string name)
    {
        PoolOptions pool = _policies.Pool();
        _pools[name] = pool;
        _dispatcher.SetPool(name, pool);
        _model.SetPool(name, pool);
    }

    /// <summary>What was told is what must be remembered, all that is not brief, and no more is in memory.</summary>
    private void TakeRates()
    {
        foreach (ChangedRate change in _dispatcher.TakeChangedRates())
        {
            if (change.At is { } at)
            {
                _told[change.Name] = at;
            }
            else
            {
                _told.Remove(change.Name).ShouldBeTrue($"{_about}: {change.Name} is gone, but was never told");
                Count("rate gone");
            }
        }

        Dictionary<string, long> expected = (
            from queue in _model.Queues
            from tat in queue.Tats
            where tat.Value > _model.Now
            select ($"{queue.Name}{(tat.Key.Length > 0 ? "/" : "")}{tat.Key}", tat.Value)).ToDictionary();
        foreach ((string name, long at) in expected)
        {
            bool isTold = _told.TryGetValue(name, out DateTimeOffset told);
            (isTold ? told.UtcTicks == at : at <= _model.Now + Dispatcher.Brief.Ticks).ShouldBeTrue($"{_about}: {name} was told as {told:O} instead of {Ticks.At(at):O}");
            Count(isTold ? "rate told" : "rate untold");
        }

        _told.Keys.ShouldBeSubsetOf(expected.Keys, _about);
        if (_model.Now >= _ratesFrom) // before, what was not told is in the model only
        {
            _model.Queues.ForEach(q => _dispatcher.Keys(q.Name).ShouldBe(q.KeysInUse(_model.Now).Count(), _about));
        }

        Count("rates taken");
    }

    private void Restart()
    {
        TakeRates();
        DispatchModel earlier = _model;
        _ratesFrom = earlier.Now + Dispatcher.Brief.Ticks;
        _dispatcher = new Dispatcher(Ticks.At(earlier.Now), Ticks.At(earlier.Now));
        _model = new DispatchModel(Ticks.At(earlier.Now), _ratesFrom);
        foreach ((string name, PoolOptions pool) in _pools)
        {
            _dispatcher.SetPool(name, pool);
            _model.SetPool(name, pool);
        }

        foreach (ModelQueue queue in earlier.Queues)
        {
            _dispatcher.SetQueue(queue.Name, queue.Policy, _gates[queue.Order]);
            _model.SetQueue(queue.Name, queue.Policy, _modelGates[queue.Order]);
        }

        foreach ((string name, DateTimeOffset at) in _told)
        {
            _dispatcher.RestoreRate(name, at);
        }

        foreach (ModelQueue queue in earlier.Queues)
        {
            foreach ((string key, long at) in queue.Tats)
            {
                _model[queue.Name].RestoreTat(key, at, _model.Now);
            }
        }

        earlier.Queues.ForEach(Reload);
        Count("restarted");
    }

    private void Reload(ModelQueue earlier)
    {
        ModelQueue queue = _model[earlier.Name];
        foreach (Job job in earlier.Running.Keys.Select(Again))
        {
            queue.Running.Add(job, [.. queue.Policy.Uses]);
            _dispatcher.Started(job);
        }

        foreach (Job job in earlier.ComingBack.Select(Again))
        {
            queue.ComingBack.Add(job);
            _dispatcher.ComesBack(job);
        }

        foreach (Job job in earlier.Waiting.OrderBy(j => j.Number).Select(Again))
        {
            Add(job);
        }
    }

    private static Job Again(Job job) => new(job.Number, job.Queue, job.Type) { Key = job.Key, Priority = job.Priority, CreatedAt = job.CreatedAt };

    private void Compare()
    {
        foreach (ModelQueue queue in _model.Queues)
        {
            _dispatcher.Waiting(queue.Name).ShouldBe(queue.Waiting.Count, _about);
            _dispatcher.Running(queue.Name).ShouldBe(queue.Running.Count, _about);
            _dispatcher.OldestWaiting(queue.Name).ShouldBe(queue.Waiting.Count == 0 ? null : queue.Waiting.Min(j => j.CreatedAt), _about);
            int priority = _random.Next(-3, 4);
            bool sheds = _dispatcher.Sheds(queue.Name, priority);
            sheds.ShouldBe(_model.Sheds(queue.Name, priority), _about);
            Count(sheds ? "sheds" : "sheds not");
        }
    }

    private void Count(string what) => _spread[what] = _spread.GetValueOrDefault(what) + 1;
}
