namespace Perdure.Simulation.Plans;

/// <summary>A part of a plan: flow code that does one thing, or a few.</summary>
internal abstract record PlanPart
{
    public abstract Task RunAsync(Play play);
}

/// <summary>How a child is started.</summary>
internal enum ChildHow
{
    Awaited,
    Started,
    Detached,
}

internal sealed record StepPart(StepMarks Marks, bool TakesLong) : PlanPart
{
    public override async Task RunAsync(Play play)
    {
        string value = await play.Step(Marks, TakesLong);
        play.MustBe(value.StartsWith($"{Marks.Name}#", StringComparison.Ordinal), $"step {Marks.Name} got the outcome {value}");
        play.Saw(value);
    }
}

internal sealed record DelayPart(int Seconds) : PlanPart
{
    public override async Task RunAsync(Play play)
    {
        DateTimeOffset before = play.Flow.Now;
        await play.Flow.Delay(TimeSpan.FromSeconds(Seconds));
        play.MustBe(play.Flow.Now >= before.AddSeconds(Seconds), $"a delay of {Seconds} s ended after {play.Flow.Now - before}");
    }
}

internal sealed record SignalPart(string Name, int LimitSeconds, bool Tries) : PlanPart
{
    public override async Task RunAsync(Play play)
    {
        var limit = TimeSpan.FromSeconds(LimitSeconds);
        string value = Tries
            ? (await play.Flow.TrySignal<string>(Name, limit)).TryGet(out string? some) ? some : ""
            : await play.Flow.Signal<string>(Name, limit);
        if (value.Length > 0)
        {
            play.MustBe(value.StartsWith($"{Name}:", StringComparison.Ordinal), $"a wait for signal {Name} got {value}");
            play.Saw(value);
        }
    }
}

internal sealed record ChildPart(ChildHow How, long Seed, int Depth) : PlanPart
{
    public override async Task RunAsync(Play play)
    {
        IChildFlow<IFlow<PlanInput, string>> child = play.Flow.Child<PlanInput, string>(PlanTypes.Plan);
        var input = new PlanInput(Seed, Math.Min(1, Depth));
        if (How == ChildHow.Awaited)
        {
            string result = await child.Run(input);
            play.MustBe(result.StartsWith($"{PlanTypes.Plan}-", StringComparison.Ordinal), $"a child of {play.Flow.Id} ended with {result}");
        }
        else
        {
            child.Start(input, detached: How == ChildHow.Detached);
        }
    }
}

/// <summary>A step whose name hangs on chance, a GUID and the time: where these are not the same on replay, history no longer matches.</summary>
internal sealed record ChancePart : PlanPart
{
    public override Task RunAsync(Play play)
        => play.Flow.Step(() => Task.FromResult(1), name: $"r{play.Flow.Random.Next(1000)}{play.Flow.NewGuid():N}{play.Flow.Now.UtcTicks}");
}

internal sealed record OnUndoPart(string Name) : PlanPart
{
    public override Task RunAsync(Play play)
    {
        play.Flow.OnUndo(() => play.Flow.Step(() => Task.FromResult(1), name: Name));
        return Task.CompletedTask;
    }
}

internal sealed record PivotPart : PlanPart
{
    public override Task RunAsync(Play play)
    {
        play.Flow.Pivot();
        return Task.CompletedTask;
    }
}

internal sealed record ThrowPart(bool Rejects) : PlanPart
{
    public override Task RunAsync(Play play) => throw (Rejects ? new RejectedException("the plan says no") : new InvalidOperationException("the plan throws"));
}

internal sealed record SequencePart(List<PlanPart> Parts) : PlanPart
{
    public override async Task RunAsync(Play play)
    {
        foreach (PlanPart part in Parts)
        {
            await part.RunAsync(play);
        }
    }
}

internal sealed record ParallelPart(List<PlanPart> Parts) : PlanPart
{
    public override Task RunAsync(Play play) => Task.WhenAll(Parts.Select(p => p.RunAsync(play)));
}

/// <summary>What nobody awaits: the flow goes on, and may end or fail meanwhile.</summary>
internal sealed record LoosePart(PlanPart Body) : PlanPart
{
    public override Task RunAsync(Play play)
    {
        _ = Body.RunAsync(play);
        return Task.CompletedTask;
    }
}

internal sealed record FirstPart(List<PlanPart> Parts) : PlanPart
{
    public override Task RunAsync(Play play) => play.Flow.First([.. Parts.Select((p, i) => (Func<CancellationToken, Task<int>>)(async _ =>
    {
        await p.RunAsync(play);
        return i;
    }))]);
}

internal sealed record RegionPart(int LimitSeconds, PlanPart Body) : PlanPart
{
    public override Task RunAsync(Play play) => play.Flow.Within(TimeSpan.FromSeconds(LimitSeconds), () => Body.RunAsync(play));
}

/// <summary>Goes on when its body fails, perhaps after undoing what was done so far.</summary>
internal sealed record CaughtPart(PlanPart Body, bool Undoes) : PlanPart
{
    public override async Task RunAsync(Play play)
    {
        bool failed = false;
        try
        {
            await Body.RunAsync(play);
        }
        catch (PerdureException)
        {
            failed = true;
        }

        if (failed && Undoes)
        {
            try
            {
                await play.Flow.Undo();
            }
            catch (InvalidOperationException)
            {
                // The pivot is passed.
            }
        }
    }
}
