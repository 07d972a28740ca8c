using System.Globalization;

namespace Perdure.Testing;

/// <summary>
/// What a test expects of a run, in sentences: <c>run.ShouldHaveUndone("RejectTicket")</c>. What is not so throws an
/// <see cref="ExpectationException"/> that shows the run's history.
/// </summary>
/// <remarks>Names are those of the history; a receiver and <c>Async</c> are passed over, so <c>nameof(kitchen.RejectTicketAsync)</c> does, too.</remarks>
public static class FlowExpectations
{
    /// <summary>The run has ended in this state.</summary>
    public static FlowDescription ShouldHaveEndedAs(this FlowDescription run, FlowStatus status)
        => Expected(run, run?.Status == status, $"should have ended as {status}, and is {run?.Status}");

    /// <summary>The run has returned its result.</summary>
    public static FlowDescription ShouldHaveCompleted(this FlowDescription run) => run.ShouldHaveEndedAs(FlowStatus.Completed);

    /// <summary>The step was done: so many times if that is said, however many attempts each took.</summary>
    public static FlowDescription ShouldHaveRun(this FlowDescription run, string step, int? times = null)
    {
        int done = Done(run, Kinds.Step).Count(ask => Names(ask, step));
        return Expected(run, times is null ? done > 0 : done == times, $"should have run {step}{Times(times)}, and {Did("run", "ran", done)}");
    }

    /// <summary>The step was not asked for, so not even attempted.</summary>
    public static FlowDescription ShouldNotHaveRun(this FlowDescription run, string step)
    {
        int asked = Asks(run, Kinds.Step).Count(ask => Names(ask, step));
        return Expected(run, asked == 0, $"should not have run {step}, and asked for it {Said(asked)}");
    }

    /// <summary>These steps were done, one after the other; others may lie between.</summary>
    public static FlowDescription ShouldHaveRunInOrder(this FlowDescription run, params IReadOnlyList<string> steps)
    {
        ArgumentNullException.ThrowIfNull(steps);
        using IEnumerator<FlowAsk> done = Done(run, Kinds.Step).OrderBy(ask => ask.AnsweredAt).GetEnumerator();
        string? missing = steps.FirstOrDefault(step => !MoveTo(done, step));
        return Expected(run, missing is null, $"should have run {List(steps)} in this order, and {missing} is missing or comes too early");
    }

    /// <summary>The step took so many attempts, all of its runs together.</summary>
    public static FlowDescription ShouldHaveTried(this FlowDescription run, string step, int attempts)
    {
        int made = Asks(run, Kinds.Step).Concat(Asks(run, Kinds.Undo)).Where(ask => Names(ask, step)).Sum(ask => ask.Attempts);
        return Expected(run, made == attempts, $"should have tried {step}{Times(attempts)}, and {Did("try", "tried", made)}");
    }

    /// <summary>These undos were done, in any order; others may have been, too.</summary>
    public static FlowDescription ShouldHaveUndone(this FlowDescription run, params IReadOnlyList<string> undos)
    {
        ArgumentNullException.ThrowIfNull(undos);
        List<FlowAsk> done = [.. Done(run, Kinds.Undo)];
        string[] missing = [.. undos.Where(undo => !done.Exists(ask => Names(ask, undo)))];
        return Expected(run, missing.Length == 0, $"should have run the undo {List(missing)}, and ran {List(done.ConvertAll(ask => ask.Name))}");
    }

    /// <summary>These undos and no others were done, in this order.</summary>
    public static FlowDescription ShouldHaveUndoneInOrder(this FlowDescription run, params IReadOnlyList<string> undos)
    {
        ArgumentNullException.ThrowIfNull(undos);
        List<FlowAsk> done = [.. Done(run, Kinds.Undo).OrderBy(ask => ask.AnsweredAt)];
        bool isSame = done.Count == undos.Count && done.Zip(undos).All(pair => Names(pair.First, pair.Second));
        return Expected(run, isSame, $"should have run the undos {List(undos)}, in this order and no others, and ran {List(done.ConvertAll(ask => ask.Name))}");
    }

    /// <summary>No undo was asked for.</summary>
    public static FlowDescription ShouldHaveUndoneNothing(this FlowDescription run)
    {
        string[] asked = [.. Asks(run, Kinds.Undo).Select(ask => ask.Name)];
        return Expected(run, asked.Length == 0, $"should have run no undo, and asked for {List(asked)}");
    }

    /// <summary>The run is open, and waits for this signal, timer or child.</summary>
    public static FlowDescription ShouldBeWaitingFor(this FlowDescription run, string name)
    {
        ArgumentNullException.ThrowIfNull(run);
        List<FlowAsk> waits = [.. run.Asks.Where(ask => ask is { State: Kinds.Open, Kind: not (Kinds.Step or Kinds.Undo) })];
        string says = waits.Count == 0 ? "waits for nothing" : $"waits for {List(waits.ConvertAll(ask => ask.Name))}";
        return Expected(run, !run.HasEnded && waits.Exists(ask => Names(ask, name)), $"should be waiting for {name}, and {(run.HasEnded ? $"has ended as {run.Status}" : says)}");
    }

    /// <summary>The run is stuck: for this reason (PRD3001 and so on), if one is said.</summary>
    public static FlowDescription ShouldBeStuck(this FlowDescription run, string? code = null)
        => Expected(run, run?.Status == FlowStatus.Stuck && (code is null || run.StuckCode == code), $"should be stuck{(code is null ? "" : $" with {code}")}, and is {run?.Status}{(run?.StuckCode is { } was ? $" with {was}" : "")}");

    private static FlowDescription Expected(FlowDescription? run, bool holds, string sentence)
    {
        ArgumentNullException.ThrowIfNull(run);
        Expect.That(holds, () => $"{run.Type}/{run.Id} {sentence}.\n{RunTable.Of(run)}");
        return run;
    }

    private static IEnumerable<FlowAsk> Asks(FlowDescription run, string kind)
    {
        ArgumentNullException.ThrowIfNull(run);
        return run.Asks.Where(ask => ask.Kind == kind);
    }

    private static IEnumerable<FlowAsk> Done(FlowDescription run, string kind) => Asks(run, kind).Where(ask => ask.State is Kinds.Completed or Kinds.Settled);

    private static bool Names(FlowAsk ask, string name) => StepNames.Fits(ask.Name, name);

    private static bool MoveTo(IEnumerator<FlowAsk> asks, string step)
    {
        while (asks.MoveNext())
        {
            if (Names(asks.Current, step))
            {
                return true;
            }
        }

        return false;
    }

    private static string Times(int? times) => times is { } n ? $" {Said(n)}" : "";

    private static string Did(string verb, string past, int times) => times == 0 ? $"did not {verb} it" : $"{past} it {Said(times)}";

    private static string Said(int times) => times switch
    {
        0 => "not once",
        1 => "once",
        2 => "twice",
        _ => string.Create(CultureInfo.InvariantCulture, $"{times} times"),
    };

    private static string List(IReadOnlyCollection<string> names) => names.Count == 0 ? "nothing" : string.Join(", ", names);

    /// <summary>The words of a description.</summary>
    private static class Kinds
    {
        public const string Step = "step";
        public const string Undo = "undo";
        public const string Open = "open";
        public const string Completed = "completed";
        public const string Settled = "settled by hand";
    }
}
