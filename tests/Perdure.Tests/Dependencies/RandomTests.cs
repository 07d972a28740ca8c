using Perdure.Worker;

namespace Perdure.Tests.Dependencies;

/// <summary>Whatever steps and jobs do with a dependency, in whatever order, its promises hold after each of them.</summary>
public class RandomTests
{
    private const int Seeds = 300;
    private const int Moves = 400;

    [Fact]
    public void Whatever_happens_its_limits_hold_and_all_who_wait_go_in_the_end()
    {
        Dictionary<string, int> seen = [];
        for (int seed = 0; seed < Seeds; seed++)
        {
            new Course(seed, seen).Run();
        }

        // Runs that never meet the interesting situations would prove nothing.
        foreach (string situation in (string[])["opened", "probed", "closed", "waited", "ended", "job", "job refused", "retry", "left late"])
        {
            seen.GetValueOrDefault(situation).ShouldBeGreaterThan(Seeds / 4, situation);
        }
    }

    private sealed class Course
    {
        private readonly Random _chance;
        private readonly Dictionary<string, int> _seen;
        private readonly DependencyWorld _world;
        private readonly List<Entry> _inside = [];
        private readonly List<DependencyWait> _waits = [];
        private readonly List<DateTimeOffset> _starts = [];
        private DateTimeOffset _openedAt = DateTimeOffset.MinValue;
        private long _lastFirst;
        private long _lastRetry;

        public Course(int seed, Dictionary<string, int> seen)
        {
            _chance = new Random(seed);
            _seen = seen;
            _world = new DependencyWorld(o =>
            {
                o.Concurrency = _chance.Next(4) == 0 ? null : _chance.Next(1, 8);
                o.Rate = _chance.Next(2) == 0 ? null : new Rate(_chance.Next(1, 50), TimeSpan.FromSeconds(1)) { Burst = _chance.Next(1, 4) };
                o.AtLeast = _chance.Next(1, 12);
                o.OpenFor = TimeSpan.FromMilliseconds(_chance.Next(1, 2000));
                o.RetryBudget = _chance.Next(3) == 0 ? null : _chance.NextDouble() / 2;
                o.RetriesPerSecond = _chance.Next(1, 4);
            }, (ulong)seed);
        }

        private Dependency Kitchen => _world.Kitchen;

        public void Run()
        {
            for (int i = 0; i < Moves; i++)
            {
                bool wasOpen = Kitchen.IsOpen;
                Move();
                Collect();
                Check(wasOpen);
            }

            for (int i = 0; Kitchen.Waiting > 0 || _inside.Count > 0; i++)
            {
                i.ShouldBeLessThan(10_000, "somebody waits for ever");
                while (_inside.Count > 0)
                {
                    Leave(0, DependencyOutcome.Answered);
                    Collect();
                }

                _world.Advance(TimeSpan.FromMilliseconds(100));
                Collect();
            }

            _waits.ShouldBeEmpty();
            CheckRate();
        }

        private void Move()
        {
            bool isRetry = _chance.Next(3) == 0;
            switch (_chance.Next(10))
            {
                case < 3:
                    if (Kitchen.Enter(_world.Now, isRetry) is { } wait)
                    {
                        _waits.Add(wait);
                        See("waited");
                    }
                    else
                    {
                        Started(_world.Now);
                    }

                    break;
                case < 5:
                    if (Kitchen.TryEnter(_world.Now, isRetry))
                    {
                        Started(_world.Now);
                        See("job");
                    }
                    else
                    {
                        See("job refused");
                    }

                    break;
                case < 8 when _inside.Count > 0:
                    Leave(_chance.Next(_inside.Count), (DependencyOutcome)_chance.Next(3));
                    break;
                case 8 when _waits.Count > 0:
                    DependencyWait ended = _waits[_chance.Next(_waits.Count)];
                    _waits.Remove(ended);
                    ended.End();
                    ended.EnteredAt.ShouldBeNull();
                    See("ended");
                    break;
                default:
                    _world.Advance(TimeSpan.FromMilliseconds(_chance.Next(1, 300)));
                    break;
            }
        }

        private void Leave(int index, DependencyOutcome outcome)
        {
            Entry entry = _inside[index];
            _inside.RemoveAt(index);
            bool wasOpen = Kitchen.IsOpen;
            bool isProbe = wasOpen && entry.At > _openedAt;
            if (entry.At <= _openedAt)
            {
                See("left late");
            }

            // If the others go at once, they do so after the breaker has changed.
            Kitchen.Leave(entry.At, outcome, _world.Now);
            if (isProbe)
            {
                See("probed");
                Kitchen.IsOpen.ShouldBe(outcome != DependencyOutcome.Answered);
                _openedAt = outcome == DependencyOutcome.Failed ? _world.Now : _openedAt;
            }
            else if (wasOpen)
            {
                Kitchen.IsOpen.ShouldBeTrue();
            }
            else if (Kitchen.IsOpen)
            {
                outcome.ShouldBe(DependencyOutcome.Failed);
                _openedAt = _world.Now;
            }
        }

        /// <summary>Notes who was let go meanwhile: each line in its own order.</summary>
        private void Collect()
        {
            foreach (DependencyWait wait in _waits.Where(w => w.EnteredAt is not null).OrderBy(w => w.Number).ToList())
            {
                (wait.IsRetry ? _lastRetry : _lastFirst).ShouldBeLessThan(wait.Number);
                _ = wait.IsRetry ? _lastRetry = wait.Number : _lastFirst = wait.Number;
                _waits.Remove(wait);
                Started(wait.EnteredAt!.Value);
                if (wait.IsRetry)
                {
                    See("retry");
                }
            }
        }

        private void Started(DateTimeOffset at)
        {
            _inside.Add(new Entry(at));
            _starts.Add(at);
        }

        private void Check(bool wasOpen)
        {
            Kitchen.Inside.ShouldBe(_inside.Count);
            Kitchen.Waiting.ShouldBe(_waits.Count);
            (_world.Options.Concurrency ?? int.MaxValue).ShouldBeGreaterThanOrEqualTo(_inside.Count);
            if (Kitchen.IsOpen)
            {
                _inside.Count(entry => entry.At > _openedAt).ShouldBeLessThanOrEqualTo(1, "two probes");
                _inside.TrueForAll(entry => entry.At <= _openedAt || entry.At >= _openedAt + (_world.Options.OpenFor * 0.79)).ShouldBeTrue("one went while it was open");
            }

            See(wasOpen == Kitchen.IsOpen ? "same" : wasOpen ? "closed" : "opened");
        }

        private void CheckRate()
        {
            if (_world.Options.Rate is { } rate)
            {
                int most = rate.Count + rate.Burst;
                _starts.Sort();
                _starts.Zip(_starts.Skip(most)).ShouldAllBe(pair => pair.Second - pair.First > rate.Per);
            }
        }

        private void See(string situation) => _seen[situation] = _seen.GetValueOrDefault(situation) + 1;
    }

    private sealed record Entry(DateTimeOffset At);
}
