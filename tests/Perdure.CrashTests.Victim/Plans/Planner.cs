namespace Perdure.CrashTests.Victim.Plans;

/// <summary>Makes the plan of a flow from a seed and its name.</summary>
internal sealed class Planner
{
    private const int DepthMax = 2;
    private static readonly TimeSpan LongBackoff = TimeSpan.FromMilliseconds(1050);

    private readonly string _name;
    private readonly int _depth;
    private readonly Dice _dice;
    private readonly List<PlannedSignal> _signals = [];
    private int _number;
    private bool _isAfterPivot;

    private Planner(long seed, string name)
    {
        _name = name;
        _depth = name.Count(c => c == '.');
        _dice = new Dice(seed, name);
    }

    public static FlowPlan Plan(long seed, string name) => new Planner(seed, name).Plan();

    /// <summary>How long a back-off of a step is; one that is written down lasts over a second.</summary>
    public static Retry RetryOf(PlannedStep step) => step.Kind switch
    {
        StepKind.FlakyForLong => Retry.Fixed(attempts: 3, delay: LongBackoff),
        StepKind.Broken or StepKind.LostForGood => Retry.Exponential(attempts: 2, first: TimeSpan.FromMilliseconds(5)),
        StepKind.Stubborn => Retry.Forever with { First = TimeSpan.FromMilliseconds(5), StuckAfter = 2 },
        _ => Retry.Exponential(attempts: 5, first: TimeSpan.FromMilliseconds(10)),
    };

    private FlowPlan Plan()
    {
        int length = _depth == 0 ? _dice.Between(3, 8) : _dice.Between(1, 4 - _depth);
        bool fails = _dice.Chance(0.3);
        int pivot = !fails && _dice.Chance(0.25) ? _dice.Between(0, length - 1) : -1;
        List<Op> ops = [];
        for (int i = 0; i < length; i++)
        {
            ops.Add(i == pivot ? Pivot() : Any());
        }

        if (fails)
        {
            ops.Add(Failing());
            ops.Add(new RunStep(Step(StepKind.Quick))); // never reached
        }

        return new FlowPlan(_name, ops, _signals)
        {
            CancelAfter = _depth == 0 && _dice.Chance(0.15) ? _dice.Milliseconds(0, 500) : null,
            TerminateAfter = _depth == 0 && _dice.Chance(0.04) ? _dice.Milliseconds(0, 500) : null,
        };
    }

    private Op Any() => _dice.Between(0, 99) switch
    {
        < 34 => new RunStep(Good()),
        < 46 => new Together([.. Enumerable.Range(0, _dice.Between(2, 4)).Select(_ => Simple())]),
        < 54 => Wait(),
        < 62 => _depth == 0 ? Signal() : Wait(),
        < 66 => new Guarded(new Miss(_dice.Milliseconds(5, 60), _dice.Chance(0.5))),
        < 75 => _depth < DepthMax ? Child() : new RunStep(Good()),
        < 81 => Region(),
        < 87 => Racing(),
        < 94 => new Guarded(Bad()),
        < 97 => new Guarded(new Together([new RunStep(Good()), Bad(), new RunStep(Good())])),
        _ => _isAfterPivot ? new RunStep(Good()) : new UndoNow(),
    };

    /// <summary>What may run beside other things.</summary>
    private Op Simple() => _dice.Between(0, 9) switch
    {
        < 7 => new RunStep(Good()),
        7 => Wait(),
        8 when _depth == 0 => Signal(),
        9 when _depth < DepthMax => Child(),
        _ => new RunStep(Good()),
    };

    private Op Pivot()
    {
        _isAfterPivot = true;
        return _dice.Chance(0.5) ? new PassPivot() : new RunStep(Good() with { IsPivot = true });
    }

    private Op Failing() => _dice.Between(0, 9) switch
    {
        < 3 => new GiveUp(),
        < 8 => Bad(),
        8 => new Together([new RunStep(Good()), new RunStep(Good()), Bad()]),
        _ => new Limited(_dice.Milliseconds(5, 40), new Miss(TimeSpan.FromMinutes(10), Throws: true)),
    };

    private RunStep Bad() => new(Step(_dice.Pick(StepKind.Rejected, StepKind.Rejected, StepKind.Broken, StepKind.LostForGood)));

    private PlannedStep Good()
    {
        StepKind kind = _dice.Between(0, 99) switch
        {
            < 35 => StepKind.Quick,
            < 55 => StepKind.Slow,
            < 65 => StepKind.Deaf,
            < 80 => StepKind.Flaky,
            < 83 => StepKind.FlakyForLong,
            < 96 => StepKind.Lost,
            _ => StepKind.Stubborn,
        };
        PlannedStep step = Step(kind);
        return _dice.Chance(0.08) ? step with { OnUndo = Step(StepKind.Flaky) with { Undo = UndoKind.None, Reconciles = false } } : step;
    }

    private PlannedStep Step(StepKind kind) => new(Next("s"), kind, _dice.Pick(UndoKind.None, UndoKind.Known, UndoKind.Always, UndoKind.Always))
    {
        Time = kind is StepKind.Slow or StepKind.Deaf ? _dice.Milliseconds(1, 120) : TimeSpan.Zero,
        Failures = kind switch
        {
            StepKind.Flaky or StepKind.Lost => _dice.Between(1, 3),
            StepKind.FlakyForLong => 1,
            _ => 0,
        },
        UndoFailures = _dice.Chance(0.15) ? 1 : 0,
        Reconciles = kind != StepKind.LostForGood && _dice.Chance(0.3),
    };

    private Pause Wait() => new(Next("d"), _dice.Milliseconds(0, 150));

    private Receive Signal()
    {
        string value = Next("v");
        string name = _dice.Pick("left", "right");
        _signals.Add(new PlannedSignal(name, value, _dice.Chance(0.4) ? TimeSpan.Zero : _dice.Milliseconds(0, 150), _dice.Chance(0.2), _dice.Chance(0.5)));
        return new Receive(name, value);
    }

    /// <summary>After the pivot no child's failure may get through.</summary>
    private Op Child() => _isAfterPivot ? new Guarded(NewChild()) : NewChild();

    private RunChild NewChild() => new($"{_name}.{_number++}", _dice.Pick(ChildBond.Awaited, ChildBond.Awaited, ChildBond.Started, ChildBond.Detached), _dice.Chance(0.5));

    private Guarded Region() => new(_dice.Between(0, 4) switch
    {
        0 => new Limited(null, new RunStep(Good())),
        1 => new Limited(_dice.Milliseconds(1, 60), new Miss(TimeSpan.FromMinutes(10), Throws: true)),
        2 => new Limited(_dice.Milliseconds(1, 60), new Limited(null, new RunStep(Step(StepKind.Slow)))),
        3 => new Limited(_dice.Milliseconds(1, 60), new Together([new RunStep(Step(StepKind.Deaf)), new RunStep(Step(StepKind.Slow))])),
        _ => new Limited(_dice.Milliseconds(1, 60), new RunStep(Step(StepKind.Slow))),
    });

    private Race Racing() => _dice.Between(0, 4) switch
    {
        0 => new Race(null, Wait()),
        1 when _depth < DepthMax => new Race(new Guarded(NewChild() with { Bond = ChildBond.Awaited }), Wait()),
        _ => new Race(new RunStep(Step(StepKind.Slow)), Wait()),
    };

    private string Next(string kind) => $"{kind}{_number++}";
}
