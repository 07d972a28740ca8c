using System.Globalization;
using Perdure.Engine;
using Perdure.Simulation.Jobs;

namespace Perdure.Simulation.Plans;

/// <summary>Calls a job, as a step is called.</summary>
internal sealed record CallPart(IJob Job, JobOptions Options) : PlanPart
{
    public override async Task RunAsync(Play play)
    {
        if (Job is IJob<string> job)
        {
            string result = await play.Flow.Call(job, Options);
            play.MustBe(result.Contains('#', StringComparison.Ordinal), $"a job of {play.Flow.Id} ended with {result}");
            play.Saw(result);
        }
        else
        {
            await play.Flow.Call(Job, Options);
        }
    }
}

/// <summary>Leaves a job to its queue.</summary>
internal sealed record EnqueuePart(IJob Job, JobOptions Options) : PlanPart
{
    public override Task RunAsync(Play play)
    {
        play.Flow.Enqueue(Job, Options);
        return Task.CompletedTask;
    }
}

/// <summary>Makes the plan of a run that calls jobs. Its jobs carry numbers that no other run's do.</summary>
internal sealed class CallingPlan(JobPlan jobs, ReplayRandom chance, int firstId)
{
    private const int FirstId = 10_000_000;
    private const int IdsPerRun = 1_000;

    private int _ids = firstId;

    /// <summary>Whether a job of this number is one that a flow wants.</summary>
    public static bool IsOne(int id) => id is > FirstId and < 2 * FirstId;

    public static PlanPart Of(JobPlan jobs, PlanInput input, string id)
    {
        int run = int.Parse(id.AsSpan(1), CultureInfo.InvariantCulture);
        var plan = new CallingPlan(jobs, new ReplayRandom(ReplayRandom.Mix((ulong)input.Seed)), FirstId + (run * IdsPerRun));
        return new SequencePart([.. Enumerable.Range(0, plan.Between(2, 5)).Select(_ => plan.Part())]);
    }

    private PlanPart Part() => Between(0, 13) switch
    {
        0 or 1 or 2 or 3 => Caught(Call()),
        4 or 5 => Enqueue(),
        6 or 7 => Caught(new RegionPart(Between(1, 30), Call())),
        8 => Caught(new FirstPart([Call(), new DelayPart(Between(0, 20))])),
        9 => new ParallelPart([Caught(Call()), Caught(Call())]),
        10 => new LoosePart(Caught(Call())),
        11 => new DelayPart(Between(0, 5)),
        12 => new OnUndoPart("undo"),
        _ => Call(),
    };

    private static CaughtPart Caught(PlanPart body) => new(body, Undoes: false);

    private CallPart Call()
    {
        JobOptions options = jobs.AnyOptions(chance);
        return new CallPart(jobs.Any(options.Queue!, ++_ids, chance), options);
    }

    private EnqueuePart Enqueue()
    {
        JobOptions options = jobs.AnyOptions(chance);
        return new EnqueuePart(jobs.Any(options.Queue!, ++_ids, chance), options);
    }

    private int Between(int least, int most) => chance.Next(least, most + 1);
}
