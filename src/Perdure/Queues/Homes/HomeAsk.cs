using Perdure.Cluster;
using Perdure.Engine;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>What a client asks of a home. Where that lives on another node, it goes there as a call, and the answer comes back to the client's own node.</summary>
internal abstract class HomeAsk : HomeMessage, ICall
{
    public FlowKey Key => Shard.HomeKey;

    /// <summary>The call of a client on another node that it came as; null for a client here.</summary>
    public InboxRow? Call { get; set; }

    public virtual object? Wait => null;

    public virtual bool IsAlwaysAnswered => false;

    /// <summary>Whether the client no longer waits for an answer from elsewhere.</summary>
    protected bool HasLeft { get; private set; }

    /// <summary>What it is as text.</summary>
    protected abstract CallText Text { get; }

    public override void GoElsewhere()
    {
        if (Call is null && !HasLeft)
        {
            Shard.Node.Membership!.Call(this);
        }
    }

    public InboxRow ToRow(int shard, string id)
    {
        (string verb, byte[] arguments) = Text;
        return new InboxRow(shard, id, MessageKind.HomeCall, Key) { Name = verb, Payload = arguments };
    }

    public abstract void Answered(InboxRow answer);

    /// <summary>Delivers what a client on another node asks.</summary>
    public void DeliverCall()
    {
        if (!ComesInCrowds)
        {
            Home.PumpWhatIsOwed();
        }

        Deliver();
    }

    /// <summary>The client, here or elsewhere, no longer waits. On the home's loop.</summary>
    public virtual void Withdrawn()
    {
    }

    /// <summary>The client no longer waits for an answer from elsewhere. On the loop of the client's node.</summary>
    public virtual void Leave()
    {
        HasLeft = true;
        Shard.Node.Membership!.Withdraw(this, Key);
    }
}

/// <summary>A client no longer waits for what it asked.</summary>
internal sealed class StopAsking(HomeAsk ask) : HomeMessage
{
    public override void GoElsewhere() => ask.Leave();

    protected override void Deliver() => ask.Withdrawn();
}

/// <summary>What a client asks of a home. Its answer leaves when what it is based on is durable.</summary>
internal abstract class HomeCall<TAnswer> : HomeAsk, IFreeEffect, IAnswer
{
    private readonly TaskCompletionSource<TAnswer> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TAnswer? _ready;
    private PerdureException? _error;

    public Task<TAnswer> Task => _answer.Task;

    /// <summary>Who asks, for an error.</summary>
    public abstract string What { get; }

    /// <summary>The jobs that it led to: it has been answered when they are there, and not before.</summary>
    protected virtual IReadOnlyList<long> Took => [];

    public virtual void Release()
    {
        if (_error is not null)
        {
            _answer.TrySetException(_error);
        }
        else
        {
            _answer.TrySetResult(_ready!);
        }
    }

    public virtual void Lost(PerdureException reason) => Fail(reason);

    public override void Fail(PerdureException reason) => TryFail(reason);

    /// <summary>Tells who asks that nobody can say; false if it has its answer.</summary>
    protected bool TryFail(PerdureException reason) => _answer.TrySetException(new StoreUnavailableException(What, reason));

    /// <summary>Nothing more can happen: a test learns it at once.</summary>
    public void GiveUp(Exception reason) => _answer.TrySetException(reason);

    public void Send()
    {
        if (_error is not null)
        {
            Home.Calls.Refuse(this, _error);
        }
        else
        {
            Home.Calls.Answer(this, Took, run => Outgoing.Answer(Call!, run, FlowJson.SerializeAnswer(_ready)));
        }
    }

    public override void Answered(InboxRow answer)
    {
        if (answer.Kind == MessageKind.Answer)
        {
            _ready = AnswerIn(answer.Payload!);
            Release();
            return;
        }

        PerdureException error = Outgoing.RefusalOf(answer);
        if (error is StoreException)
        {
            Fail(error);
        }
        else
        {
            _answer.TrySetException(error);
        }
    }

    /// <summary>Answers once all that was decided up to now is durable.</summary>
    public void AnswerThen(TAnswer answer)
    {
        _ready = answer;
        Shard.Commits.Then(this);
    }

    public void RefuseThen(PerdureException error)
    {
        _error = error;
        Shard.Commits.Then(this);
    }

    /// <summary>The answer that came from the home on another node.</summary>
    protected virtual TAnswer AnswerIn(byte[] json) => FlowJson.DeserializeAnswer<TAnswer>(json);
}
