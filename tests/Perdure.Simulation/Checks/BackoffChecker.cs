using Perdure.Storage;

namespace Perdure.Simulation.Checks;

/// <summary>A back-off is of an open step, and its row is gone with the step's outcome, or the run's end.</summary>
internal sealed class BackoffChecker() : Checker("back-offs")
{
    protected override void Check()
    {
        HashSet<(long Run, int Ask)> open = [];
        foreach (ShardBatch batch in Observed.Batches.Select(b => b.Batch))
        {
            foreach (BackoffRow backoff in batch.Backoffs)
            {
                open.Add((backoff.Run, backoff.Ask));
                bool isAnswered = Story.Runs[backoff.Run].Inputs.Exists(i => i.Row.Ask == backoff.Ask && i.Row.At < batch.Time && i.Order < Observed.Batches.Find(b => b.Batch == batch)!.Order);
                MustHold(!isAnswered, $"{Story.Runs[backoff.Run].Key}: ask {backoff.Ask} backs off after its outcome");
            }

            open.ExceptWith(batch.EndedBackoffs);
        }

        foreach ((long run, int ask) in open.Where(b => Story.Runs[b.Run].End is not null))
        {
            Wrong($"{Story.Runs[run].Key} has ended, and the back-off of ask {ask} is still there");
        }
    }
}
