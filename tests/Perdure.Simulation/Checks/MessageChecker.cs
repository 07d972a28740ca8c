using Perdure.Simulation.Seen;
using Perdure.Storage;

namespace Perdure.Simulation.Checks;

/// <summary>A message between flows takes effect once: it is consumed once, a child is there when its parent's batch is, its end reaches the parent as it was, a cancel is told once.</summary>
internal sealed class MessageChecker() : Checker("messages between flows")
{
    protected override void Check()
    {
        Dictionary<(int, string), InboxRow> inbox = [];
        Dictionary<FlowKey, int> cancels = [];
        foreach (ShardBatch batch in Observed.Batches.Select(b => b.Batch))
        {
            foreach (InboxRow sent in batch.Sent)
            {
                MustHold(inbox.TryAdd((sent.Shard, sent.Id), sent), $"message {sent.Id} ({sent.Kind}) to {sent.To} was sent twice");
                if (sent.Kind == MessageKind.Cancel)
                {
                    cancels[sent.To] = cancels.GetValueOrDefault(sent.To) + 1;
                }
            }
        }

        foreach (InboxRow lost in inbox.Values.Where(m => !Observed.Batches.Exists(b => b.Batch.Received.Contains(m.Id))))
        {
            Wrong($"message {lost.Id} ({lost.Kind}) to {lost.To} was never taken");
        }

        foreach (RunStory run in Story.Runs.Values)
        {
            int fromClients = Observed.Calls.Count(c => c.Verb == ClientVerb.Cancel && c.Flow == run.Key);
            int told = run.Inputs.Count(i => i.Row.Kind == InputKind.CancelRequested);
            MustHold(told <= cancels.GetValueOrDefault(run.Key) + fromClients, $"{run.Key} was told to cancel {told} times, and asked {cancels.GetValueOrDefault(run.Key) + fromClients} times");
            CheckChildren(run);
        }
    }

    private void CheckChildren(RunStory parent)
    {
        List<AskStory> asks = parent.Asks();
        foreach (AskStory ask in asks.Where(a => a.Kind is 'C' or 'D'))
        {
            int slash = ask.Name.IndexOf('/', StringComparison.Ordinal);
            RunStory? child = Story.Find(new FlowKey(ask.Name[..slash], ask.Name[(slash + 1)..]));
            MustHold(child is not null, $"{parent.Key}: its child {ask.Name} was never started");
        }

        foreach (Input input in parent.Inputs.Where(i => i.Row.Ask >= 0))
        {
            if (asks.ElementAtOrDefault(input.Row.Ask) is not { Kind: 'C' } ask)
            {
                continue;
            }

            RunStory? child = Story.Runs.Values.FirstOrDefault(r => r.Key.ToString() == ask.Name);
            bool isTrue = child?.End is { } end && end.DecidedOrder < input.Order && end.Result!.AsSpan().SequenceEqual(input.Row.Payload)
                && (child.State.Status == FlowStatus.Completed) == (input.Row.Kind == InputKind.Completed);
            MustHold(isTrue, $"{parent.Key} was told that its child {ask.Name} ended ({input.Row.Kind}), which is not what is durable");
        }
    }
}
