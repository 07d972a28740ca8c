using Perdure.Engine;
using Perdure.Storage;
using Perdure.Testing.Running;
using Perdure.Worker;

namespace Perdure.Testing.Crashes;

/// <summary>The course of one schedule: it counts the points at which the process may die, and lets happen what the schedule says.</summary>
/// <remarks>A point is where a commit begins or ends, an attempt begins or ends, or an answer reaches the client.</remarks>
internal sealed class Course(Schedule schedule, ICommitWatch watch) : ICommitWatch
{
    private readonly List<string> _events = [];

    /// <summary>The world that it goes through.</summary>
    public TestWorld World { get; set; } = null!;

    /// <summary>Lets the process die, and the client with it.</summary>
    public Action Die { get; set; } = null!;

    public int Points { get; private set; }

    /// <summary>The point at which the process dies; 0 for none. The second time comes soon after the first, not always at the same point.</summary>
    private int DiesAt => (schedule.Kind, IsPlayedAgain) switch
    {
        (ScheduleKind.Crash or ScheduleKind.Recrash, false) => schedule.Number,
        (ScheduleKind.Recrash, true) => schedule.Number + 1 + (schedule.Number % 5),
        _ => 0,
    };

    public int Attempts { get; private set; }

    /// <summary>How many signals the scenario has sent, this time.</summary>
    public int Signals { get; private set; }

    /// <summary>Whether the scenario is played again, after the process died.</summary>
    public bool IsPlayedAgain { get; private set; }

    /// <summary>Whether the check runs: from now on nothing goes wrong any more.</summary>
    public bool IsOver { get; set; }

    /// <summary>Where in <see cref="Events"/> the schedule first let something go wrong; null while it has not.</summary>
    public int? WrongAt { get; private set; }

    /// <summary>What happened, in order.</summary>
    public IReadOnlyList<string> Events => _events;

    public void Committing(IReadOnlyList<ShardBatch> batches) => Point($"before the commit of {Said(batches)}");

    public void Committed(IReadOnlyList<ShardBatch> batches)
    {
        if (World.IsAlive)
        {
            watch.Committed(batches);
        }

        Point($"after the commit of {Said(batches)}");
    }

    /// <summary>Runs an attempt as the schedule has it.</summary>
    public async ValueTask<StepValue> RunAsync(StepAsk ask, StepContext context, bool reconcile)
    {
        if (IsOver)
        {
            return await Attempt.CallAsync(ask, context, reconcile);
        }

        string what = $"{(reconcile ? "reconcile" : AskText.Word(ask.Kind))} {ask.Name} of {ask.Run.Key}";
        int number = ++Attempts;
        await PointAsync($"before {what}");
        try
        {
            return await TryAsync(number, ask, context, reconcile);
        }
        finally
        {
            await PointAsync($"after {what}");
        }
    }

    /// <summary>The process died, and the scenario begins again.</summary>
    public void PlayAgain()
    {
        IsPlayedAgain = true;
        Signals = 0;
    }

    /// <summary>Counts a signal that the scenario sends.</summary>
    public int NextSignal() => ++Signals;

    public bool Means(ScheduleKind kind, int number) => schedule.Means(kind, number);

    /// <summary>How many there were of what the schedule counts.</summary>
    public int Counted => schedule.Kind switch
    {
        ScheduleKind.Crash or ScheduleKind.Recrash => Points,
        ScheduleKind.Twice or ScheduleKind.Lost or ScheduleKind.Fail => Attempts,
        _ => Signals,
    };

    /// <summary>Passes a point. The process may be dead afterwards.</summary>
    public void Point(string what)
    {
        if (IsOver || !World.IsAlive)
        {
            return; // nobody counts, or it is what the dead still do on their way out
        }

        Points++;
        _events.Add(what);
        if (Points == DiesAt)
        {
            GoesWrong("the process dies");
            Die();
        }
    }

    /// <summary>Writes down what the schedule lets happen.</summary>
    public void GoesWrong(string what)
    {
        WrongAt ??= _events.Count;
        _events.Add(what);
    }

    private async ValueTask<StepValue> TryAsync(int number, StepAsk ask, StepContext context, bool reconcile)
    {
        if (schedule.Means(ScheduleKind.Fail, number))
        {
            GoesWrong("it fails");
            throw new InjectedFaultException();
        }

        StepValue value = await Attempt.CallAsync(ask, context, reconcile);
        if (schedule.Means(ScheduleKind.Twice, number))
        {
            GoesWrong("it runs twice");
            value = await Attempt.CallAsync(ask, context, reconcile);
        }

        if (schedule.Means(ScheduleKind.Lost, number))
        {
            GoesWrong("it was done, and its answer is lost");
            throw new TimeoutException("done, but the answer was lost, by the schedule");
        }

        return value;
    }

    private async ValueTask PointAsync(string what)
    {
        Point(what);
        if (!World.IsAlive)
        {
            await new TaskCompletionSource().Task; // the dead do not go on
        }
    }

    private static string Said(IReadOnlyList<ShardBatch> batches)
    {
        string[] inputs = [.. batches.SelectMany(b => b.History).Select(h => h.Ask < 0 ? $"{h.Kind} {h.Name}".TrimEnd() : $"{h.Kind} of ask {h.Ask}")];
        return inputs.Length == 0 ? "no input" : string.Join(", ", inputs);
    }
}
