namespace Perdure.Tests;

/// <summary>A random flow: a tree of everything that a flow's code can do, the same for the same seed.</summary>
internal abstract record RandomPlan
{
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    public static RandomPlan Of(int seed) => Make(new Random(seed), depth: 4, new Counter());

    public abstract Task RunAsync(FlowContext flow, Action<string> seen);

    private static RandomPlan Make(Random random, int depth, Counter names)
    {
        int kind = depth == 0 ? random.Next(7) : random.Next(21);
        RandomPlan Next() => Make(random, depth - 1, names);
        List<RandomPlan> Some() => [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Next())];
        return kind switch
        {
            0 or 1 or 2 => new Step($"s{names.Next()}", random.Next(3)),
            3 => new Delay(random.Next(1, 600)),
            4 => new Signal($"n{random.Next(2)}", random.Next(2) == 0),
            5 => new Child($"c{names.Next()}", random.Next(3)),
            6 => new Chance(),
            7 or 8 or 9 or 10 => new Sequence(Some()),
            11 or 12 => new Parallel(Some()),
            13 => new Race(Some(), random.Next(1, 3)),
            14 => new Region(random.Next(1, 600), Next()),
            15 => new Caught(Next(), random.Next(2) == 0),
            16 => new EndedRegion(Next(), Next()),
            17 or 18 => new Condition(Next(), Next()),
            19 => new Drop($"n{random.Next(2)}"),
            _ => random.Next(4) == 0 ? new Pivot() : new OnUndo($"u{names.Next()}"),
        };
    }

    private sealed class Counter
    {
        private int _last;

        public int Next() => ++_last;
    }

    private sealed record Step(string Name, int Undo) : RandomPlan
    {
        public override async Task RunAsync(FlowContext flow, Action<string> seen)
        {
            int result = Undo switch
            {
                0 => await flow.Step(() => Task.FromResult(0), name: Name),
                1 => await flow.Step(() => Task.FromResult(0), undo: _ => Task.CompletedTask, name: Name),
                _ => await flow.Step(() => Task.FromResult(0), undo: () => Task.CompletedTask, name: Name),
            };
            seen($"{Name}={result}");
        }
    }

    private sealed record Delay(int Seconds) : RandomPlan
    {
        public override Task RunAsync(FlowContext flow, Action<string> seen) => flow.Delay(TimeSpan.FromSeconds(Seconds));
    }

    private sealed record Signal(string Name, bool Try) : RandomPlan
    {
        public override async Task RunAsync(FlowContext flow, Action<string> seen)
            => seen(Try ? $"{Name}={await flow.TrySignal<int>(Name, Limit)}" : $"{Name}={await flow.Signal<int>(Name, Limit)}");
    }

    private sealed record Child(string Name, int How) : RandomPlan
    {
        public override async Task RunAsync(FlowContext flow, Action<string> seen)
        {
            if (How == 0)
            {
                seen($"{Name}={await flow.Child<int, int>("leaf").Run(1)}");
            }
            else
            {
                seen(flow.Child<int, int>("leaf").Start(1, detached: How == 1));
            }
        }
    }

    private sealed record Chance : RandomPlan
    {
        public override async Task RunAsync(FlowContext flow, Action<string> seen)
        {
            seen($"{flow.NewGuid()} {flow.Random.Next(100)} {flow.Now:O}");
            await flow.Step(() => Task.FromResult(1), name: $"r{flow.Random.Next(5)}");
        }
    }

    private sealed record Sequence(List<RandomPlan> Parts) : RandomPlan
    {
        public override async Task RunAsync(FlowContext flow, Action<string> seen)
        {
            foreach (RandomPlan part in Parts)
            {
                await part.RunAsync(flow, seen);
            }
        }
    }

    private sealed record Parallel(List<RandomPlan> Parts) : RandomPlan
    {
        public override Task RunAsync(FlowContext flow, Action<string> seen) => Task.WhenAll(Parts.Select(p => p.RunAsync(flow, seen)));
    }

    private sealed record Race(List<RandomPlan> Parts, int Count) : RandomPlan
    {
        public override async Task RunAsync(FlowContext flow, Action<string> seen)
        {
            int[] first = await flow.First(Math.Min(Count, Parts.Count), Enumerable.Range(0, Parts.Count), async i =>
            {
                await Parts[i].RunAsync(flow, seen);
                return i;
            });
            seen($"first={string.Join(',', first)}");
        }
    }

    /// <summary>A region that other code ends.</summary>
    private sealed record EndedRegion(RandomPlan Body, RandomPlan Before) : RandomPlan
    {
        public override async Task RunAsync(FlowContext flow, Action<string> seen)
        {
            using var end = new CancellationTokenSource();
            Task body = flow.Within(end.Token, () => Body.RunAsync(flow, seen));
            await Before.RunAsync(flow, seen);
            end.Cancel();
            try
            {
                await body;
                seen("in time");
            }
            catch (OperationCanceledException)
            {
                seen("ended");
            }
        }
    }

    /// <summary>Code that waits for what other code does.</summary>
    private sealed record Condition(RandomPlan Before, RandomPlan After) : RandomPlan
    {
        public override Task RunAsync(FlowContext flow, Action<string> seen)
        {
            bool isSo = false;
            return Task.WhenAll(Wait(), Wait(), Do());

            async Task Wait()
            {
                seen($"{await flow.TryUntil(() => isSo, Limit)}");
                await After.RunAsync(flow, seen);
                isSo = !isSo;
            }

            async Task Do()
            {
                await Before.RunAsync(flow, seen);
                isSo = true;
            }
        }
    }

    private sealed record Drop(string Name) : RandomPlan
    {
        public override Task RunAsync(FlowContext flow, Action<string> seen)
        {
            seen($"dropped {flow.DropSignals(Name)}");
            return Task.CompletedTask;
        }
    }

    private sealed record Region(int Seconds, RandomPlan Body) : RandomPlan
    {
        public override Task RunAsync(FlowContext flow, Action<string> seen) => flow.Within(TimeSpan.FromSeconds(Seconds), () => Body.RunAsync(flow, seen));
    }

    private sealed record Caught(RandomPlan Body, bool Undo) : RandomPlan
    {
        public override async Task RunAsync(FlowContext flow, Action<string> seen)
        {
            bool failed = false;
            try
            {
                await Body.RunAsync(flow, seen).ConfigureAwait(false);
            }
            catch (PerdureException e)
            {
                seen(e.Code);
                failed = true;
            }

            if (failed && Undo)
            {
                try
                {
                    await flow.Undo();
                }
                catch (InvalidOperationException)
                {
                    seen("no way back");
                }
            }
        }
    }

    private sealed record Pivot : RandomPlan
    {
        public override Task RunAsync(FlowContext flow, Action<string> seen)
        {
            flow.Pivot();
            return Task.CompletedTask;
        }
    }

    private sealed record OnUndo(string Name) : RandomPlan
    {
        public override Task RunAsync(FlowContext flow, Action<string> seen)
        {
            flow.OnUndo(() => flow.Step(() => Task.CompletedTask, name: Name));
            return Task.CompletedTask;
        }
    }
}
