using Perdure.Diagnostics;
using Perdure.Storage;
using Perdure.Worker;

namespace Perdure.Engine;

/// <summary>
/// One run in memory: the pure core. It takes inputs and decides; it knows no clock, no thread and no store. What it decides is a
/// function of the inputs it was given, in their order, so giving it its history again brings it back.
/// <para>
/// The flow's code runs inside <see cref="Take"/>, with no synchronization context, so whatever awaits an ask goes on inline and on this
/// thread. What the engine itself completes while flow code is on the stack waits in a queue until that code has returned.
/// </para>
/// </summary>
internal sealed class FlowRun
{
    [ThreadStatic]
    private static FlowRun? _onTurn;

    private Queue<Action>? _later;
    private HashSet<string>? _senderIds;
    private ReplayRandom? _chance;
    private FlowLog? _log;
    private readonly Action<FlowRun, string> _strayed;
    private readonly string? _correlation;
    private volatile string? _stray;
    private Turn? _turn;

    public FlowRun(FlowDefinition definition, FlowRow row, ulong seed, FlowServices services, Action<FlowRun, string> strayed)
    {
        Definition = definition;
        Key = row.Key;
        Number = row.Run;
        TraceParent = row.TraceParent;
        _correlation = row.Correlation;
        Seed = seed;
        Services = services;
        _strayed = strayed;
        Life = new FlowLife(this);
        Verbs = new FlowVerbs(this);
    }

    public FlowDefinition Definition { get; }

    public FlowKey Key { get; }

    public long Number { get; }

    /// <summary>The W3C trace parent of the start call.</summary>
    public string? TraceParent { get; }

    /// <summary>The business transaction that it belongs to.</summary>
    public string Correlation => _correlation ?? Key.ToString();

    public ulong Seed { get; }

    public FlowServices Services { get; }

    public OpenAsks Asks { get; } = new();

    public FlowLife Life { get; }

    public FlowVerbs Verbs { get; }

    public ReplayRandom Chance => _chance ??= new ReplayRandom(Seed);

    public FlowLog Log => _log ??= new FlowLog(this, Services.LoggerOf(Definition));

    /// <summary>The time of the input that is answered now, or was last.</summary>
    public DateTimeOffset Now { get; private set; }

    /// <summary>The turn that runs now.</summary>
    public Turn Turn => _turn ?? throw new InvalidOperationException("No turn runs.");

    /// <summary>Senders' ids of the signals it was told; null if there are none.</summary>
    public HashSet<string>? SenderIds => _senderIds;

    public bool HasSender(string senderId) => _senderIds?.Contains(senderId) ?? false;

    /// <summary>One turn: gives the flow an input, and runs its code until it waits again.</summary>
    /// <param name="input">The input.</param>
    /// <param name="live">The payload's value, where somebody has it already.</param>
    /// <param name="turn">Takes the decisions.</param>
    public void Take(HistoryRow input, object? live, Turn turn)
    {
        SynchronizationContext? context = SynchronizationContext.Current;
        if (context is not null)
        {
            SynchronizationContext.SetSynchronizationContext(null); // a context would send continuations elsewhere
        }

        FlowRun? outer = _onTurn;
        _onTurn = this;
        _turn = turn;
        Now = input.At;
        try
        {
            Dispatch(input, live);
            do
            {
                while (_later is not null && _later.TryDequeue(out Action? action))
                {
                    action();
                }
            }
            while (MeetCondition());

            if (_stray is { } stray)
            {
                turn.Stuck ??= new StuckReason(ErrorCodes.NotDurable, stray);
            }

            if (turn.End is null && turn.Stuck is null && Asks.Count == 0)
            {
                turn.Stuck = new StuckReason(ErrorCodes.NotDurable, $"{Key} awaits something that is not durable, so nothing would ever wake it. Await only what its FlowContext gives, and wrap everything else into flow.Step(...).");
            }
        }
        catch (StuckException e)
        {
            turn.Stuck ??= e.Reason;
        }
        finally
        {
            _turn = null;
            _onTurn = outer;
            if (context is not null)
            {
                SynchronizationContext.SetSynchronizationContext(context);
            }
        }
    }

    /// <summary>Runs when the flow code now on the stack has returned.</summary>
    public void Later(Action action) => (_later ??= new()).Enqueue(action);

    /// <summary>Throws where flow code calls from outside its turn, and makes the flow stuck: it awaited something that is not durable.</summary>
    public void MustBeOnTurn()
    {
        if (!IsOnTurn)
        {
            throw new StuckException(new StuckReason(ErrorCodes.NotDurable, Stray("called its FlowContext")));
        }
    }

    public bool IsOnTurn => _onTurn == this && _turn is not null;

    /// <summary>Reports code that left its turn, and says how.</summary>
    public string Stray(string how)
    {
        string message = $"{Key} {how} from a thread that is not its turn's, because it awaited something that is not durable (a task of another library, Task.Run, Task.Delay). Await only what its FlowContext gives, and wrap everything else into flow.Step(...).";
        _stray = message; // a turn that still runs must not end the run as if nothing had happened
        _strayed(this, message);
        return message;
    }

    /// <summary>Makes the flow stuck at the end of this turn, and stops the code that asked.</summary>
    public StuckException Stick(string code, string message)
    {
        var reason = new StuckReason(code, message);
        if (_turn is { } turn)
        {
            turn.Stuck ??= reason; // flow code may swallow the exception
        }

        return new StuckException(reason);
    }

    /// <summary>The dependency that a step names; null for none. One that is not there makes the flow stuck: a build that forgot it must fail nothing.</summary>
    public DependencyName? DependencyOf(string? name)
        => name is null ? null : Services.Dependencies.Find(name) ?? throw Stick(ErrorCodes.UnknownDependency, Services.Dependencies.Missing(name));

    /// <summary>The dependency that a step names, or else its service's; null for none.</summary>
    public DependencyName? DependencyOf<TService>(string? name)
        => name is null ? Services.Dependencies.Find(typeof(TService)) : DependencyOf(name);

    public T Read<T>(byte[]? json, Serialization.PayloadName what)
    {
        try
        {
            return Services.Json.Deserialize<T>(json, what);
        }
        catch (PerdureException e)
        {
            throw Stick(ErrorCodes.PayloadMismatch, e.MessageWithoutCode);
        }
    }

    /// <summary>Hands a log line over, to be written when this turn is committed; nothing when the code runs again.</summary>
    public void Observe(Action line)
    {
        if (!IsOnTurn)
        {
            line(); // from a step's own thread: it happens when it happens
        }
        else if (!Turn.IsReplay)
        {
            Turn.Observations.Add(line);
        }
    }

    /// <summary>Opens an ask and writes it down.</summary>
    public void Open(Ask ask)
    {
        Asks.Add(ask);
        Turn.Made.Add(ask);
        Turn.Line(AskText.Line(ask));
    }

    /// <summary>Closes a wait that the flow gives up, and writes that down.</summary>
    /// <param name="ask">The wait.</param>
    /// <param name="reason">What its code sees; null if no code awaits it.</param>
    public void Withdraw(Ask ask, Func<Exception>? reason)
    {
        Asks.Close(ask);
        if (ask is EventAsk)
        {
            Turn.Stopped.Add(ask);
        }

        Turn.Line(AskText.Withdrawn(ask.Number));
        if (reason is not null)
        {
            Later(() => ask.Withdraw(reason()));
        }
    }

    /// <summary>All that decides how the flow goes on, as text: two runs with the same text behave alike.</summary>
    public string Fingerprint()
    {
        IEnumerable<string> open = Asks.All.Select(a => $"{(char)a.Kind}{a.Number} {a.Name}{(a.Stopping ? " stopping" : "")}{(a.Settling ? " settling" : "")} {(a is StepAsk ? null : a.Due):O}");
        IEnumerable<string> early = Asks.Signals.Early.Where(q => q.Value.Count > 0).OrderBy(q => q.Key, StringComparer.Ordinal)
            .Select(q => $"{q.Key}: {string.Join(',', q.Value.Select(r => r.Position))}");
        return $"now {Now:O}; asks {Asks.Made}; open [{string.Join("; ", open)}]; early [{string.Join("; ", early)}]; {Life.Fingerprint()}; chance {Chance.State:x}";
    }

    private void Dispatch(HistoryRow input, object? live)
    {
        if (input.SenderId is { } sender)
        {
            (_senderIds ??= new(StringComparer.Ordinal)).Add(sender);
        }

        switch (input.Kind)
        {
            case InputKind.Started:
                Life.Start(input, live);
                break;
            case InputKind.SignalReceived when Asks.Signals.FirstWait(input.Name!) is { } wait:
                Asks.Close(wait);
                if (input.Ask != wait.Number)
                {
                    Turn.Line(AskText.Taken(wait.Number)); // when it was recorded nobody knew that it would answer this wait
                }

                wait.Answer(input, live);
                break;
            case InputKind.SignalReceived:
                Asks.Signals.Keep(input);
                break;
            case InputKind.CancelRequested:
                Life.Cancel(Reason(input));
                break;
            case InputKind.Terminated:
                Life.Terminate(Reason(input));
                break;
            default:
                AnswerAsk(input, live);
                break;
        }
    }

    /// <summary>Answers the first open wait whose condition holds, now that the code waits; what the code does then may change the others.</summary>
    private bool MeetCondition()
    {
        if (Asks.Conditions is not { Count: > 0 } conditions || Turn.End is not null || Turn.Stuck is not null)
        {
            return false;
        }

        foreach (ConditionAsk wait in conditions)
        {
            bool holds;
            try
            {
                holds = wait.Holds();
            }
            catch (Exception e) when (e is not StuckException)
            {
                Withdraw(wait, () => e);
                return true;
            }

            if (holds)
            {
                Asks.Close(wait);
                Turn.Line(AskText.Taken(wait.Number));
                wait.Meet();
                return true;
            }
        }

        return false;
    }

    private void AnswerAsk(HistoryRow input, object? live)
    {
        Ask ask = Asks.Find(input.Ask)
            ?? throw Stick(ErrorCodes.HistoryMismatch, $"history row {input.Position} of {Key} ({input.Kind}) answers ask {input.Ask}, which this code does not have open.");
        Asks.Close(ask);
        ask.Answer(input, live);
    }

    private static string Reason(HistoryRow input) => System.Text.Json.JsonSerializer.Deserialize(input.Payload, Serialization.ErrorJson.Default.ErrorInfo)!.Message;
}
