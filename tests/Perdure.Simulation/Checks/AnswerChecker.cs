using System.Text;
using System.Text.Json;
using Perdure.Diagnostics;
using Perdure.Simulation.Seen;
using Perdure.Storage;

namespace Perdure.Simulation.Checks;

/// <summary>What a client was told is durable before it hears of it, and is true.</summary>
internal sealed class AnswerChecker() : Checker("answers are durable and true")
{
    protected override void Check()
    {
        foreach (ClientCall call in Observed.Calls.Where(c => c.AnswerOrder > 0))
        {
            RunStory? run = Story.Find(call.Flow);
            bool exists = run is not null && run.StartOrder < call.AnswerOrder;
            string what = $"{call.Verb} of {call.Flow} (answered by {call.Process}: {call.Answer ?? call.Error ?? "done"})";
            MustHold(exists || !call.IsDone, $"{what}: there is no such run yet");
            bool mayMiss = run is null || run.StartOrder > call.Order || !IsOwner(call, run);
            MustHold(call.Error != ErrorCodes.FlowNotFound || mayMiss, $"{what}: but the run was there before the call");
            MustHold(call.Error != ErrorCodes.FlowEnded || (run?.HadEndedBy(call.AnswerOrder) ?? false), $"{what}: but its end was not durable");
            MustHold(call.Error != ErrorCodes.FlowEnded || call.SenderId is null || !run!.Inputs.Exists(i => i.Row.SenderId == call.SenderId), $"{what}: but the run has it");
            MustHold(call.Error != ErrorCodes.StartConflict || InputOf(run!) != call.Value, $"{what}: but the input is the same");
            if (exists && call.IsDone)
            {
                CheckDone(call, run!, what);
            }
            else if (exists && call.Verb == ClientVerb.Result && call.Error is ErrorCodes.FlowFailed or ErrorCodes.FlowCancelled or ErrorCodes.FlowTerminated)
            {
                CheckEnd(call, run!, what);
            }
        }
    }

    /// <summary>Whether the process that answered had the run's shard. Until leases have a time, one that lost it may say what is out of date.</summary>
    private bool IsOwner(ClientCall call, RunStory run)
        => Observed.Takes.LastOrDefault(t => t.Shard == run.Row.Shard && t.Order < call.AnswerOrder)?.Process == call.Process;

    private void CheckDone(ClientCall call, RunStory run, string what)
    {
        bool Has(InputKind kind, Func<Input, bool>? condition = null)
            => run.Inputs.Exists(i => i.Row.Kind == kind && i.Order < call.AnswerOrder && (condition?.Invoke(i) ?? true));
        switch (call.Verb)
        {
            case ClientVerb.Start:
                MustHold(InputOf(run) == call.Value, $"{what}: the run has the input {InputOf(run)}");
                break;
            case ClientVerb.Result:
                CheckEnd(call, run, what);
                break;
            case ClientVerb.Signal:
                MustHold(Has(InputKind.SignalReceived, i => Encoding.UTF8.GetString(i.Row.Payload!) == $"\"{call.Value}\""), $"{what}: the signal {call.Value} is not durable");
                break;
            case ClientVerb.Cancel when call.Answer == nameof(CancelAnswer.Accepted):
                MustHold(Has(InputKind.CancelRequested), $"{what}: no cancel is durable");
                break;
            case ClientVerb.Cancel when call.Answer == nameof(CancelAnswer.AlreadyEnded):
                MustHold(run.HadEndedBy(call.AnswerOrder), $"{what}: the end is not durable");
                break;
            case ClientVerb.Terminate:
                MustHold(Has(InputKind.Terminated), $"{what}: no such input is durable");
                break;
            case ClientVerb.SkipUndo:
                MustHold(Has(InputKind.UndoSettled), $"{what}: no such input is durable");
                break;
        }
    }

    private void CheckEnd(ClientCall call, RunStory run, string what)
    {
        MustHold(run.HadEndedBy(call.AnswerOrder), $"{what}: the end is not durable");
        FlowStatus told = call.Error switch
        {
            ErrorCodes.FlowFailed => FlowStatus.Failed,
            ErrorCodes.FlowCancelled => FlowStatus.Cancelled,
            ErrorCodes.FlowTerminated => FlowStatus.Terminated,
            _ => FlowStatus.Completed,
        };
        MustHold(run.End is null || run.State.Status == told, $"{what}: but it ended as {run.State.Status}");
        if (told == FlowStatus.Completed && run.End?.Result is { } result)
        {
            MustHold(JsonSerializer.Deserialize<string>(result) == call.Answer, $"{what}: but its result is {Encoding.UTF8.GetString(result)}");
        }
    }

    private static string InputOf(RunStory run)
    {
        using var json = JsonDocument.Parse(run.Inputs[0].Row.Payload!);
        return json.RootElement.GetProperty("seed").GetRawText();
    }
}
