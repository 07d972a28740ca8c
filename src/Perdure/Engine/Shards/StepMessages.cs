using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>Starts a step's attempts, once the batch that asked for it is durable.</summary>
internal sealed class StartStep(Shard shard, StepAsk ask) : IFreeEffect
{
    public void Release()
    {
        if (Begin() is { } run)
        {
            shard.Node.Seams.Run(run);
        }
    }

    public void Release(List<IThreadPoolWorkItem> work)
    {
        if (Begin() is { } run)
        {
            work.Add(run);
        }
    }

    public void Lost(PerdureException reason)
    {
        // The reload asks for it again.
    }

    private IThreadPoolWorkItem? Begin() => ask.Open ? shard.Node.Worker.Begin(shard, ask) : null;
}

/// <summary>How a step's attempts went.</summary>
internal abstract record StepReport(StepProgress Progress)
{
    /// <summary>It is done.</summary>
    public sealed record Completed(StepProgress Progress, StepValue Value) : StepReport(Progress);

    /// <summary>It will not be done.</summary>
    public sealed record Failed(StepProgress Progress, ErrorInfo Error) : StepReport(Progress);

    /// <summary>Its next attempt is far enough away to be written down.</summary>
    public sealed record BackedOff(StepProgress Progress, DateTimeOffset NextAt) : StepReport(Progress);

    /// <summary>It must succeed, and does not.</summary>
    public sealed record Stuck(StepProgress Progress, StuckReason Reason, bool IsUndo) : StepReport(Progress);
}

/// <summary>A worker tells how a step's attempts went.</summary>
internal sealed class StepReported(FlowKey key, long run, int ask, StepReport report) : FlowMessage(key)
{
    public override void GoElsewhere() => Shard.Node.Worker.Ended(run, ask); // who has the shard now asks or runs it again

    public override void Deliver(FlowSlot? slot)
    {
        Shard.Node.Worker.Ended(run, ask);
        Shard.Careful.Reported(run, ask);
        if (slot?.Row?.Run != run || slot.Phase == SlotPhase.Ended)
        {
            return; // terminated meanwhile
        }

        if (!slot.Awaits(ask))
        {
            return; // settled by hand meanwhile, or by another owner of the shard
        }

        var step = slot.Flow?.Asks.Find(ask) as StepAsk;
        if (step is not null)
        {
            slot.StepsRunning--;
        }

        switch (report)
        {
            case StepReport.Completed done:
                End(slot, InputKind.Completed, done.Value.Json, done.Value.Value);
                break;
            case StepReport.Failed failed:
                End(slot, InputKind.Failed, FlowJson.SerializeError(failed.Error), null);
                break;
            case StepReport.BackedOff pause:
                BackOff(slot, step, pause);
                break;
            case StepReport.Stuck stuck:
                WriteBackoff(slot, BackoffRow.Never);
                slot.StuckAsks.Add(new StuckAsk(ask, stuck.IsUndo));
                Shard.Turns.MarkStuck(slot, stuck.Reason);
                break;
        }
    }

    private void End(FlowSlot slot, InputKind kind, byte[] payload, object? live)
    {
        if (report.Progress.IsStored)
        {
            Shard.Commits.Open.EndedBackoffs.Add((run, ask));
        }

        var input = new HistoryRow(run, slot.NextPosition, Shard.Now(), kind)
        {
            Ask = ask,
            Attempts = report.Progress.Attempts,
            StartedAt = report.Progress.StartedAt,
            Payload = payload,
        };
        Shard.Turns.Live(slot, input, live, then: null);
    }

    private void BackOff(FlowSlot slot, StepAsk? step, StepReport.BackedOff pause)
    {
        WriteBackoff(slot, pause.NextAt);
        if (step is null)
        {
            return;
        }

        step.Progress = pause.Progress with { IsStored = true };
        slot.Flow!.Asks.SetDue(step, pause.NextAt);
        if (step.Stopping)
        {
            Shard.Turns.Retry(slot, step); // it was stopped while the report was on its way
        }
        else
        {
            Shard.Turns.SetWake(slot);
        }
    }

    private void WriteBackoff(FlowSlot slot, DateTimeOffset nextAt)
    {
        slot.TouchedBatch = Shard.Commits.Sequence;
        StepProgress progress = report.Progress;
        Shard.Commits.Open.Backoffs.Add(new BackoffRow(run, ask, progress.Attempts, progress.StartedAt ?? Shard.Commits.Time, nextAt, FlowJson.SerializeError(progress.LastError!)));
    }
}
