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
    private const long Idle = 0;
    private const long Running = 1;
    private const long Deciding = 2;
    private const long Interrupted = 3;
    private const long Abandoned = 4;
    private const long Phases = 8;

    private Turn _turn = new();

    /// <summary>The turn's number times <see cref="Phases"/>, plus its phase: a thread that lost its turn can never touch a later one.</summary>
    private long _state;
    private long _startedAt;
    private long _blockedAt;
    private FlowSlot? _slot;

    public Turn Begin(FlowSlot slot)
    {
        _turn.Clear();
        _turn.Number++;
        _slot = slot;
        Volatile.Write(ref _startedAt, time.GetTimestamp());
        Volatile.Write(ref _state, (_turn.Number * Phases) + Running);
        return _turn;
    }

    /// <summary>Ends the turn.</summary>
    /// <exception cref="TurnAbandonedException">It was taken from this thread, which must leave the pump.</exception>
    public void End(Turn turn)
    {
        long number = turn.Number * Phases;
        if (Interlocked.CompareExchange(ref _state, number + Idle, number + Running) != number + Running)
        {
            EndDisturbed(turn, number);
        }
    }

    /// <summary>Stops a thread that lost its turn while it has more to do in it.</summary>
    public void Check(Turn turn)
    {
        long state = Volatile.Read(ref _state);
        if (state % Phases == Abandoned || state / Phases != turn.Number)
        {
            throw new TurnAbandonedException();
        }
    }

    /// <summary>Looks at the turn. From the watcher's thread.</summary>
    public void Look()
    {
        long state = Volatile.Read(ref _state);
        long number = state - (state % Phases);
        long phase = state % Phases;
        long started = Volatile.Read(ref _startedAt);
        TimeSpan running = time.GetElapsedTime(started);
        bool isLate = running > turnMax;
        bool isBlocked = phase == Running && running > blockMax && loop.Thread.IsBlocked;
        bool mayBlock = isBlocked && _blockedAt == state; // twice in a row: one look may hit a short wait of a busy machine
        _blockedAt = isBlocked ? state : 0;
        if ((phase is Running or Interrupted) && (isLate || mayBlock) && Interlocked.CompareExchange(ref _state, number + Deciding, state) == state)
        {
            // While it is decided the turn cannot end.
            if (isLate)
            {
                FlowKey flow = _slot!.Key;
                Volatile.Write(ref _state, number + Abandoned);
                loop.Node.Log.TurnAbandoned(flow, running);
                loop.Thread.Abandon();
            }
            else
            {
                loop.Thread.Interrupt();
                Volatile.Write(ref _state, number + Interrupted);
            }
        }
    }

    /// <summary>Takes what is left of a turn that was abandoned. On the loop's new thread.</summary>
    public (FlowSlot Slot, string Reason)? TakeAbandoned()
    {
        if (Volatile.Read(ref _state) % Phases != Abandoned)
        {
            return null;
        }

        FlowSlot slot = _slot!;
        _turn = new Turn { Number = _turn.Number + 1 }; // the old one still belongs to the old thread
        Volatile.Write(ref _state, (_turn.Number * Phases) + Idle);
        return (slot, $"the code of {slot.Key} held its turn for over {turnMax.TotalSeconds:N0} s: move long computations and blocking calls into steps.");
    }

    private void EndDisturbed(Turn turn, long number)
    {
        SpinWait spin = default;
        while (true)
        {
            long state = Volatile.Read(ref _state);
            if (state == number + Abandoned || state - (state % Phases) != number)
            {
                throw new TurnAbandonedException();
            }

            if (state == number + Interrupted && Interlocked.CompareExchange(ref _state, number + Idle, state) == state)
            {
                if (loop.Thread.AbsorbInterrupt())
                {
                    return; // it came too late to disturb anything: the turn is whole
                }

                turn.Stuck = new StuckReason(ErrorCodes.TurnTooLong, $"the code of {_slot!.Key} blocked its turn for over {blockMax.TotalMilliseconds:N0} ms (Thread.Sleep, .Wait(), .Result, a lock): await instead, or move the blocking work into a step. {turn.Stuck?.Message}");
                return;
            }

            spin.SpinOnce();
        }
    }
}

/// <summary>The turn that this thread ran was taken from it.</summary>
internal sealed class TurnAbandonedException : Exception;
