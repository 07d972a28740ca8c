using Perdure.Diagnostics;
using Perdure.Simulation.Plans;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>What a client was told of the jobs that it wants is durable before it hears of it, and is true; what was refused is not there.</summary>
internal sealed class JobAnswerChecker(JobsStory jobs) : Checker("what became of jobs that were wanted")
{
    private static readonly string[] Refusals = [ErrorCodes.QueueFull, ErrorCodes.QueueDraining, ErrorCodes.JobShed, ErrorCodes.BadOption];
    private readonly Dictionary<int, JobStory> _came = [];
    private readonly Dictionary<int, (JobStory Job, StateStory State)> _replaced = [];

    protected override void Check()
    {
        foreach (JobStory job in jobs.All.Where(j => j.Before is null && j.States[0].ScheduledFor is null && !CallingPlan.IsOne(j.Id)))
        {
            MustHold(_came.TryAdd(job.Id, job), $"{job} came twice, once as {_came[job.Id]}");
            foreach (StateStory state in job.States.Skip(1).Where(s => s.Id is not null))
            {
                _replaced.TryAdd(state.Id!.Value, (job, state));
            }
        }

        foreach (JobCall call in Observed.Jobs.Calls.Where(c => c.AnswerOrder > 0 && c.Verb is JobVerb.Enqueue or JobVerb.TryNow))
        {
            if (Refusals.Contains(call.Error))
            {
                MustHold(!call.Ids.Any(i => _came.ContainsKey(i) || _replaced.ContainsKey(i)), $"{What(call)}, but it is there");
                MustHold(IsReason(call), $"{What(call)} without a reason");
            }

            for (int i = 0; i < call.Receipts.Count; i++)
            {
                CheckReceipt(call, call.Ids[i], call.Receipts[i]);
            }
        }

        foreach (JobCall call in Observed.Jobs.Calls.Where(c => c.Verb == JobVerb.Enqueue && c.Ids.Count > 1))
        {
            List<long> orders = [.. call.Ids.Where(_came.ContainsKey).Select(i => _came[i].Order).Distinct()];
            MustHold(orders.Count <= 1 || Observed.Marks.Contains("a job's result was refused"), $"{What(call)}: they came in {orders.Count} batches");
        }
    }

    private void CheckReceipt(JobCall call, int id, Told told)
    {
        string what = $"{What(call)}: {id} was {told.Kind} as {told.Number:x}";
        JobStory? job = told.Kind == Enqueued.Added ? jobs.Find(told.Number) : jobs.Find(told.Number, call.AnswerOrder);
        if (told.Kind == Enqueued.Dropped)
        {
            MustHold(!_came.ContainsKey(id), what); // the number is that of the one that waited
            return;
        }

        if (job is null || job.Order > call.AnswerOrder)
        {
            Wrong($"{what}, but the job is not durable");
            return;
        }

        switch (told.Kind)
        {
            case Enqueued.Added:
                MustHold(job.Id == id, $"{what}, but that came with {job.Id}");
                MustHold(SameOf(job, call) is null, $"{what}, but {SameOf(job, call)} was there");
                break;
            case Enqueued.Joined:
                MustHold(job.EndOrder > call.Order, $"{what}, but that had ended");
                MustHold(job.At(call.AnswerOrder).SubscriberCount > 1 && told.Subscriber > 0, $"{what}, but it has one subscriber");
                MustHold(!_came.ContainsKey(id), $"{what}, but came all the same");
                break;
            case Enqueued.Ignored:
                MustHold(job.EndOrder > call.Order || call.Options.Dedup?.Window is not null || !jobs.IsOwner(call.Process, call.AnswerOrder), $"{what}, but that had ended");
                MustHold(!_came.ContainsKey(id) && !_replaced.ContainsKey(id), $"{what}, but came all the same");
                break;
            case Enqueued.Replaced:
                MustHold(jobs.LivesOf(told.Number).Any(l => l.States.Exists(s => s.Id is not null && s.Order > call.Order && s.Order < call.AnswerOrder)), $"{what}, but the job does not carry it");
                break;
        }
    }

    /// <summary>A job that has waited all the while, and was the same one.</summary>
    private JobStory? SameOf(JobStory job, JobCall call)
        => job.States[0].Dedup is null || job.States[0].IsUntilStarted ? null : jobs.All.FirstOrDefault(other => other.Number < job.Number && other.Row.Queue == job.Row.Queue && other.Row.Type == job.Row.Type
            && other.Order < call.Order && other.EndOrder > call.AnswerOrder && other.States[0].Dedup == job.States[0].Dedup && !other.States[0].IsUntilStarted
            && !other.States.Exists(s => s.IsCancelled && s.Order < call.AnswerOrder) && !Observed.Jobs.Attempts.Exists(a => a.Number == other.Number));

    private bool IsReason(JobCall call) => call.Error switch
    {
        ErrorCodes.QueueDraining => Observed.Jobs.Calls.Exists(c => c.Verb == JobVerb.Drain && c.Queue == call.Queue && c.Order < call.AnswerOrder),
        ErrorCodes.JobShed => jobs.Plan.Queues[call.Queue].Uses.Exists(u => jobs.Plan.Pools[u.Pool].Sheds),
        ErrorCodes.QueueFull => jobs.Plan.Queues[call.Queue] is var queue && (queue.WhenFull == WhenFull.Reject || call.Verb == JobVerb.TryNow || call.Ids.Count > queue.BacklogMax),
        _ => false,
    };

    private static string What(JobCall call) => $"{call.Verb} of {string.Join(' ', call.Ids)} in {call.Queue} (answered by {call.Process}: {call.Answer ?? call.Error})";
}
