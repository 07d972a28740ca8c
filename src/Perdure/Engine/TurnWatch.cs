using Perdure.Diagnostics;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>
/// Watches the one turn that a loop runs now. A turn whose thread blocks is interrupted where it is; one that does not end is taken from its
/// thread, and the loop goes on with another.
/// </summary>
/// <remarks>
/// The turn's thread moves Idle to Running and back; the watcher moves Running to Deciding, and from there back, to Interrupted or to Abandoned.
/// Each move is a compare-exchange, so exactly one of the two decides how the turn ended. Nothing of an abandoned turn is used.
/// </remarks>
internal sealed class TurnWatch(ShardLoop loop, TimeProvider time, TimeSpan blockMax, TimeSpan turnMax)
{
    private const int Idle = 0;
    private const int Running = 1;
    private const int Deciding = 2;
    private const int Interrupted = 3;
    private const int Abandoned = 4;

    private Turn _turn = new();
    private int _state;
    private long _startedAt;
    private FlowSlot? _slot;

    public Turn Begin(FlowSlot slot)
    {
        _turn.Clear();
        _slot = slot;
        Volatile.Write(ref _startedAt, time.GetTimestamp());
        Volatile.Write(ref _state, Running);
        return _turn;
    }

    /// <summary>Ends the turn.</summary>
    /// <exception cref="TurnAbandonedException">It was taken from this thread, which must leave the pump.</exception>
    public void End()
    {
        if (Interlocked.CompareExchange(ref _state, Idle, Running) != Running)
        {
            EndDisturbed();
        }
    }

    /// <summary>Looks at the turn. From the watcher's thread.</summary>
    public void Look()
    {
        int state = Volatile.Read(ref _state);
        long started = Volatile.Read(ref _startedAt);
        TimeSpan running = time.GetElapsedTime(started);
        bool isLate = running > turnMax;
        bool mayBlock = state == Running && running > blockMax && loop.Thread.IsBlocked;
        if ((state is Running or Interrupted) && (isLate || mayBlock) && Interlocked.CompareExchange(ref _state, Deciding, state) == state)
        {
            // While it is decided the turn cannot end. It may be a later turn than the one whose times were read.
            if (Volatile.Read(ref _startedAt) != started)
            {
                Volatile.Write(ref _state, state);
            }
            else if (isLate)
            {
                FlowKey flow = _slot!.Key;
                Volatile.Write(ref _state, Abandoned);
                loop.Node.Log.TurnAbandoned(flow, running);
                loop.Thread.Abandon();
            }
            else
            {
                loop.Thread.Interrupt();
                Volatile.Write(ref _state, Interrupted);
            }
        }
    }

    /// <summary>Takes what is left of a turn that was abandoned. On the loop's new thread.</summary>
    public (FlowSlot Slot, string Reason)? TakeAbandoned()
    {
        if (Volatile.Read(ref _state) != Abandoned)
        {
            return null;
        }

        FlowSlot slot = _slot!;
        _turn = new Turn(); // the old one still belongs to the old thread
        Volatile.Write(ref _state, Idle);
        return (slot, $"the code of {slot.Key} held its turn for over {turnMax.TotalSeconds:N0} s: move long computations and blocking calls into steps.");
    }

    private void EndDisturbed()
    {
        SpinWait spin = default;
        while (true)
        {
            switch (Volatile.Read(ref _state))
            {
                case Abandoned:
                    throw new TurnAbandonedException();
                case Running when Interlocked.CompareExchange(ref _state, Idle, Running) == Running:
                    return;
                case Interrupted when Interlocked.CompareExchange(ref _state, Idle, Interrupted) == Interrupted:
                    loop.Thread.AbsorbInterrupt();
                    _turn.Stuck = new StuckReason(ErrorCodes.TurnTooLong, $"the code of {_slot!.Key} blocked its turn for over {blockMax.TotalMilliseconds:N0} ms (Thread.Sleep, .Wait(), .Result, a lock): await instead, or move the blocking work into a step. {_turn.Stuck?.Message}");
                    return;
                default:
                    spin.SpinOnce();
                    break;
            }
        }
    }
}

/// <summary>The turn that this thread ran was taken from it.</summary>
internal sealed class TurnAbandonedException : Exception;
