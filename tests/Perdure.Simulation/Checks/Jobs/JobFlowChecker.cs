using System.Text.Json;
using Perdure.Simulation.Seen;
using Perdure.Storage;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>A job that a flow wants comes once, or joins one; what the flow is told of it is durable and true; and none that it left to its queue is lost.</summary>
internal sealed class JobFlowChecker(JobsStory jobs) : Checker("jobs of flows")
{
    private readonly Dictionary<string, (long Job, long Order)> _taken = new(StringComparer.Ordinal);

    protected override void Check()
    {
        foreach (CommittedBatch committed in jobs.Batches)
        {
            foreach ((string id, long job) in committed.Batch.ReceivedByJobs)
            {
                MustHold(_taken.TryAdd(id, (job, committed.Order)), $"message {id} was taken in twice");
                MustHold(jobs.Find(job)?.Order <= committed.Order, $"message {id} was taken in by job {job:x}, which is not there");
            }
        }

        Dictionary<ParentRef, InboxRow> calls = [];
        foreach (InboxRow asked in Observed.Batches.SelectMany(b => b.Batch.Sent).Where(m => m.Kind == MessageKind.EnqueueJob))
        {
            if (asked.From is { } flow)
            {
                calls.Add(flow, asked);
            }
            else
            {
                CheckLeft(asked);
            }
        }

        foreach (RunStory run in Story.Runs.Values)
        {
            List<AskStory> asks = run.Asks();
            foreach (Input input in run.Inputs.Where(i => i.Row.Ask >= 0 && asks.ElementAtOrDefault(i.Row.Ask)?.Kind == 'J'))
            {
                string what = $"{run.Key} was told that its job {asks[input.Row.Ask].Name} ({input.Row.Ask}) ended ({input.Row.Kind})";
                MustHold(calls.TryGetValue(new ParentRef(run.Key, input.Row.Ask), out InboxRow? asked), $"{what}, but never asked for it");
                if (asked is not null)
                {
                    CheckTold(input, asked, what);
                }
            }
        }
    }

    private void CheckLeft(InboxRow asked)
    {
        using var json = JsonDocument.Parse(asked.Payload!);
        string queue = json.RootElement.GetProperty("queue").GetString()!;
        bool mayBeShed = jobs.Plan.Queues[queue].Uses.Exists(u => jobs.Plan.Pools[u.Pool].Sheds);
        MustHold(_taken.ContainsKey(asked.Id) || mayBeShed, $"job {json.RootElement.GetProperty("job")} that a flow left to {queue} was lost");
    }

    private void CheckTold(Input input, InboxRow asked, string what)
    {
        bool isTaken = _taken.TryGetValue(asked.Id, out (long Job, long Order) taken) && taken.Order < input.Order;
        IEnumerable<JobStory> ended = isTaken ? jobs.LivesOf(taken.Job).Where(l => l.EndOrder < input.Order) : [];
        if (input.Row.Kind == InputKind.Completed)
        {
            MustHold(ended.Any(l => l.End is null || (l.End.Status == JobStatus.Completed && l.End.Result.AsSpan().SequenceEqual(input.Row.Payload))), $"{what}, which is not what is durable");
        }
        else if (isTaken && input.Error().Kind is nameof(ErrorKind.Permanent) or nameof(ErrorKind.Rejected))
        {
            MustHold(ended.Any(l => l.End is null or { Status: JobStatus.Failed }), $"{what}, which is not what is durable");
        }
    }
}
