using Perdure.Engine;

namespace Perdure.Simulation.Plans;

/// <summary>Makes the plan of a run out of its seed: a tree of everything that a flow's code can do.</summary>
internal sealed class PlanMaker(ReplayRandom chance)
{
    private int _names;
    private bool _hasPivot;

    public static PlanPart Of(PlanInput input, int version)
    {
        var maker = new PlanMaker(new ReplayRandom(ReplayRandom.Mix((ulong)input.Seed ^ ((ulong)version << 56))));
        return new SequencePart([maker.Step(), .. Enumerable.Range(0, maker.Between(1, 3)).Select(_ => maker.Part(input.Depth))]);
    }

    private PlanPart Part(int depth)
    {
        int kind = Between(0, depth > 0 ? 25 : 11);
        return kind switch
        {
            <= 4 => Step(),
            5 => new DelayPart(Between(0, 3) == 0 ? Between(0, 400) : Between(0, 9)),
            6 or 7 => new SignalPart($"n{Between(0, 1)}", Between(1, 120), Between(0, 1) == 0),
            8 => new ChildPart((ChildHow)Between(0, 2), (long)chance.NextInt64(1L << 40), Math.Max(0, depth - 1)),
            9 => new ChancePart(),
            10 => new OnUndoPart($"o{++_names}"),
            11 => Rare(),
            <= 15 => new SequencePart(Parts(depth)),
            <= 18 => new ParallelPart(Parts(depth)),
            19 => new FirstPart(Parts(depth)),
            20 or 21 => new RegionPart(Between(1, 60), Part(depth - 1)),
            22 or 23 => new CaughtPart(Part(depth - 1), Between(0, 2) == 0),
            24 => new LoosePart(Part(depth - 1)),
            _ => new ParallelPart([Part(depth - 1), new SignalPart("n0", Between(10, 90), true)]),
        };
    }

    /// <summary>What would end or bind most plans if it came often.</summary>
    private PlanPart Rare()
    {
        int kind = Between(0, 6);
        if (kind <= 2 && !_hasPivot)
        {
            _hasPivot = true;
            return kind switch
            {
                0 => new PivotPart(),
                1 => Step(isPivot: true),
                _ => new LoosePart(Step(isPivot: true)),
            };
        }

        return kind <= 4 ? new ThrowPart(kind == 3) : Step();
    }

    private StepPart Step(bool isPivot = false)
    {
        var undo = (UndoRule)Math.Min(2, Between(0, 3));
        var retry = (RetryRule)Math.Max(0, Between(-3, 3));
        return new StepPart(new StepMarks(++_names, undo, Between(0, 3) == 0, isPivot, retry), TakesLong: Between(0, 5) == 0);
    }

    private List<PlanPart> Parts(int depth) => [.. Enumerable.Range(0, Between(1, 3)).Select(_ => Part(depth - 1))];

    private int Between(int least, int most) => chance.Next(least, most + 1);
}
