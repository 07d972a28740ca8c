using Perdure.CrashTests.Victim.Effects;
using Perdure.CrashTests.Victim.Plans;

namespace Perdure.CrashTests.Victim;

/// <summary>A flow that does what its plan says. Its result says what it saw, in the plan's order.</summary>
[Named("planned")]
internal sealed class PlannedFlow(World world) : IFlow<Work, string>
{
    public async Task<string> RunAsync(Work input, FlowContext flow)
    {
        var run = new PlanRun(world, input, flow);
        List<string> seen = [];
        foreach (Op op in Planner.Plan(input.Seed, input.Plan).Ops)
        {
            seen.Add(await run.RunAsync(op));
        }

        return string.Join(';', seen);
    }
}

/// <summary>The input of a planned flow.</summary>
internal sealed record Work(long Seed, string Plan);

/// <summary>Runs the parts of a plan, and says what each saw.</summary>
internal sealed class PlanRun(World world, Work work, FlowContext flow)
{
    private static readonly TimeSpan Never = TimeSpan.FromMinutes(10);

    public async Task<string> RunAsync(Op op)
    {
        switch (op)
        {
            case RunStep step:
                return await StepAsync(step.Step);
            case Together together:
                return string.Join(',', await Task.WhenAll(together.Branches.Select(RunAsync)));
            case Pause pause:
                await flow.Delay(pause.Time, pause.Name);
                return "waited";
            case Receive receive:
                return await flow.Signal<string>(receive.Signal, Never);
            case Miss { Throws: true } miss:
                return await flow.Signal<string>("never", miss.Time);
            case Miss miss:
                return (await flow.TrySignal<string>("never", miss.Time)).HasValue ? "came" : "none";
            case RunChild child:
                return await ChildAsync(child);
            case Limited limited:
                return await flow.Within(limited.Limit ?? Never, () => RunAsync(limited.Body));
            case Race race:
                return await RaceAsync(race);
            case Guarded guarded:
                return await GuardAsync(guarded.Body);
            case UndoNow:
                await flow.Undo();
                return "undone";
            case PassPivot:
                flow.Pivot();
                return "pivot";
            default:
                throw new InvalidDataException("the plan gives up");
        }
    }

    private async Task<string> GuardAsync(Op body)
    {
        try
        {
            return await RunAsync(body);
        }
        catch (Exception e) when (e is RejectedException or StepFailedException or OutcomeUnknownException or LimitReachedException or ChildFailedException)
        {
            return e.GetType().Name;
        }
    }

    private Task<string> RaceAsync(Race race) => flow.First<string>(
        _ => race.Rival is null ? flow.Signal<string>("never", Never) : RunAsync(race.Rival),
        _ => RunAsync(race.Pause));

    private async Task<string> ChildAsync(RunChild child)
    {
        var input = new Work(work.Seed, child.Plan);
        string? id = child.HasOwnId ? $"own-{work.Seed}-{child.Plan}" : null;
        if (child.Bond == ChildBond.Awaited)
        {
            return $"({await flow.Child<PlannedFlow>().Run(input, id)})";
        }

        flow.Child<PlannedFlow>().Start(input, id, detached: child.Bond == ChildBond.Detached);
        return "started";
    }

    private async Task<string> StepAsync(PlannedStep step)
    {
        // All attempts must be handed the same, so chance and time must be the same when the code runs again.
        string detail = $"{flow.Random.Next():x}-{flow.Now.Ticks:x}-{flow.NewGuid():N}";
        string result = await StepAsync(step, detail);
        if (step.OnUndo is { } other)
        {
            flow.OnUndo(() => StepAsync(other));
        }

        return result;
    }

    // The undos have block bodies, so that they are named after their steps.
    private Task<string> StepAsync(PlannedStep step, string detail)
    {
        Retry retry = Planner.RetryOf(step);
        return step.Undo switch
        {
            UndoKind.None => flow.Step(s => world.DoAsync(s, flow.Id, step, detail), reconcile: Reconcile(step), retry: retry, pivot: step.IsPivot, name: step.Name),
            UndoKind.Known => flow.Step(
                s => world.DoAsync(s, flow.Id, step, detail),
                (s, result) => { return world.UndoKnownAsync(s, flow.Id, step, detail, result); },
                Reconcile(step),
                retry,
                pivot: step.IsPivot,
                name: step.Name),
            _ => flow.Step(
                s => world.DoAsync(s, flow.Id, step, detail),
                s => { return world.UndoAsync(s, flow.Id, step, detail); },
                step.Reconciles ? s => Task.FromResult(world.HasHappened(flow.Id, step) ? World.ResultOf(step) : null) : null,
                retry,
                pivot: step.IsPivot,
                name: step.Name),
        };
    }

    private Func<Task<string?>>? Reconcile(PlannedStep step)
        => step.Reconciles ? () => Task.FromResult(world.HasHappened(flow.Id, step) ? World.ResultOf(step) : null) : null;
}
