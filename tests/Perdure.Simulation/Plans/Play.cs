using Perdure.Engine;
using Perdure.Simulation.Events;
using Perdure.Simulation.Jobs;
using Perdure.Simulation.Processes;
using Perdure.Simulation.Seen;
using Perdure.Simulation.Services;

namespace Perdure.Simulation.Plans;

/// <summary>One life of a planned flow: its code in one process, from the beginning.</summary>
internal sealed class Play(FlowContext flow, Process process, Service service, Observed observed)
{
    private const int EditedSteps = 5;

    private readonly List<string> _seen = [];

    public FlowContext Flow => flow;

    /// <summary>Plays a plan to its end.</summary>
    public async Task<string> RunAsync(PlanInput input, int version)
    {
        await PlanMaker.Of(input, version).RunAsync(this);
        return Result(PlanTypes.Plan);
    }

    /// <summary>Plays steps in a row; a bad build of the code has two of them the other way round.</summary>
    public async Task<string> RunEditedAsync(PlanInput input)
    {
        int[] order = [.. Enumerable.Range(1, EditedSteps)];
        if (process.Build.IsBad)
        {
            (order[2], order[3]) = (order[3], order[2]);
        }

        foreach (int number in order)
        {
            await new StepPart(new StepMarks(number, UndoRule.Known, CanReconcile: false, IsPivot: false, RetryRule.Default), TakesLong: input.Seed % 2 == 0).RunAsync(this);
            if (number % 2 == 0)
            {
                await flow.Delay(TimeSpan.FromSeconds(input.Seed % 7));
            }
        }

        return Result(PlanTypes.Edited);
    }

    /// <summary>Plays a plan that calls jobs to its end.</summary>
    public async Task<string> RunCallingAsync(JobPlan jobs, PlanInput input)
    {
        await CallingPlan.Of(jobs, input, flow.Id).RunAsync(this);
        return Result(PlanTypes.Calling);
    }

    /// <summary>Does a job.</summary>
    public async Task<string> RunErrandAsync(Errand job)
    {
        await new StepPart(new StepMarks(1, UndoRule.Known, CanReconcile: false, IsPivot: false, RetryRule.Three), TakesLong: false).RunAsync(this);
        return $"{job.Id}#{flow.Id}";
    }

    /// <summary>Plays a plan that waits for events and publishes some.</summary>
    public async Task<string> RunListeningAsync(PlanInput input)
    {
        await ListeningPlan.Of(input, flow.Id).RunAsync(this);
        return Result(PlanTypes.Listening);
    }

    /// <summary>Plays the plan of a run that an event started.</summary>
    public async Task<string> RunOpeningAsync(Opened opened)
    {
        MustBe(opened.Key == flow.Id, $"it was started with {opened}");
        await ListeningPlan.Of(opened, flow.Id).RunAsync(this);
        return Result(PlanTypes.Opening);
    }

    public Task<string> Step(StepMarks marks, bool takesLong)
    {
        return flow.Core.Verbs.Step(new StepPlan<string>(marks.Name, s => service.DoAsync(process, flow.Core.Key, marks, takesLong, s))
        {
            UndoKnown = marks.Undo == UndoRule.Known ? (s, _) => service.UndoAsync(process, flow.Core.Key, marks, s) : null,
            UndoAlways = marks.Undo == UndoRule.Always ? s => service.UndoAsync(process, flow.Core.Key, marks, s) : null,
            Reconcile = marks.CanReconcile ? s => service.ReconcileAsync(process, flow.Core.Key, marks, s) : null,
            Timeout = TimeSpan.FromSeconds(takesLong ? 40 : 8),
            IsPivot = marks.IsPivot,
            Retry = marks.Retry switch
            {
                RetryRule.None => Retry.None,
                RetryRule.Three => Retry.Fixed(3, TimeSpan.FromMilliseconds(700)),
                RetryRule.Within => Retry.Exponential(4, TimeSpan.FromMilliseconds(300), within: TimeSpan.FromSeconds(30)),
                _ => null,
            },
        });
    }

    public void Saw(string what) => _seen.Add(what);

    public void MustBe(bool holds, string otherwise)
    {
        if (!holds)
        {
            observed.Odd($"{flow.Core.Key} in {process.Name}: {otherwise}");
        }
    }

    private string Result(string type) => $"{type}-{flow.Id}|{string.Join(',', _seen)}";
}
