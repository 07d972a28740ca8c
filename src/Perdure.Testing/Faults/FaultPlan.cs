using Perdure.Engine;
using Fault = System.Func<System.Func<System.Threading.Tasks.ValueTask<Perdure.Engine.StepValue>>, System.TimeProvider, System.Threading.CancellationToken, System.Threading.Tasks.ValueTask<Perdure.Engine.StepValue>>;

namespace Perdure.Testing;

/// <summary>What happens to the attempts of one step, one after the other: <c>FailTimes(2).BeSlow(by).LoseAnswer()</c>. Attempts after the last go well.</summary>
public sealed class FaultPlan
{
    private readonly Queue<Fault> _next = new();
    private readonly string _name;
    private Fault? _forEver;

    internal FaultPlan(string name, string? id, bool reconcile)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        _name = name;
        Id = id;
        Reconcile = reconcile;
    }

    /// <summary>How many attempts met the plan.</summary>
    public int Attempts { get; private set; }

    /// <summary>The run that it is for; null for all.</summary>
    internal string? Id { get; }

    /// <summary>Whether it is for the question whether a step happened.</summary>
    internal bool Reconcile { get; }

    internal bool IsOver => _forEver is null && _next.Count == 0;

    /// <summary>So many attempts fail, and nothing is done: an error that may pass.</summary>
    /// <param name="times">How many.</param>
    /// <param name="error">Makes what is thrown; an <see cref="InjectedFaultException"/> by default, which no rule names, so that it is transient.</param>
    public FaultPlan FailTimes(int times, Func<Exception>? error = null) => Add(times, Throws(error));

    /// <summary>All attempts from here on fail, and nothing is done.</summary>
    /// <param name="error">Makes what is thrown; an <see cref="InjectedFaultException"/> by default.</param>
    public FaultPlan FailAlways(Func<Exception>? error = null)
    {
        _forEver = Throws(error);
        return this;
    }

    /// <summary>An attempt is rejected: a business no, and nothing is done.</summary>
    public FaultPlan Reject(string reason = "rejected by the test") => Add(1, Throws(() => new RejectedException(reason)));

    /// <summary>So many attempts time out, and nothing was done; but nobody can know that.</summary>
    public FaultPlan TimeOut(int times = 1) => Add(times, Throws(() => new TimeoutException("no answer, by the test's plan")));

    /// <summary>So many attempts do the work, and then their answer is lost: they time out.</summary>
    public FaultPlan LoseAnswer(int times = 1) => Add(times, static async (attempt, _, _) =>
    {
        await attempt();
        throw new TimeoutException("done, but the answer was lost, by the test's plan");
    });

    /// <summary>So many attempts take longer, in virtual time, and then do the work; unless their token comes first.</summary>
    public FaultPlan BeSlow(TimeSpan by, int times = 1) => Add(times, async (attempt, time, cancellationToken) =>
    {
        await Task.Delay(by, time, cancellationToken);
        return await attempt();
    });

    /// <summary>So many attempts do the work twice, as when a caller repeats what was done already.</summary>
    public FaultPlan RunTwice(int times = 1) => Add(times, static async (attempt, _, _) =>
    {
        await attempt();
        return await attempt();
    });

    /// <summary>So many attempts go well.</summary>
    public FaultPlan Pass(int times = 1) => Add(times, static (attempt, _, _) => attempt());

    internal bool IsFor(StepAsk ask, bool reconcile)
        => reconcile == Reconcile && StepNames.Fits(ask.Name, _name) && (Id is null || ask.Run.Key.Id == Id);

    /// <summary>The call that made it.</summary>
    public override string ToString() => $"{(Reconcile ? nameof(Faults.Reconcile) : nameof(Faults.Step))}(\"{_name}\"{(Id is null ? "" : $", id: \"{Id}\"")})";

    internal Fault Next()
    {
        Attempts++;
        return _next.TryDequeue(out Fault? fault) ? fault : _forEver!;
    }

    private static Fault Throws(Func<Exception>? error)
        => (_, _, _) => ValueTask.FromException<StepValue>(error?.Invoke() ?? new InjectedFaultException());

    private FaultPlan Add(int times, Fault fault)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(times, 1);
        for (int i = 0; i < times; i++)
        {
            _next.Enqueue(fault);
        }

        return this;
    }
}
