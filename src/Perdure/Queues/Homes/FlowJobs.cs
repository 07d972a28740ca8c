using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>Jobs and flows: flows that wait for jobs, and flows that are jobs. They speak through inboxes, as flows do with their children.</summary>
internal sealed class FlowJobs(Home home)
{
    /// <summary>A message came from a flow: it wants a job, no longer wants it, or it was a job and has ended.</summary>
    public void Take(InboxRow row) => _ = (home, row);

    /// <summary>Starts the flow that does a job.</summary>
    public void Start(Job job, FlowHandler handler) => _ = (job, handler);

    /// <summary>Nobody wants a job that a flow does: the flow is cancelled.</summary>
    public void Cancel(Job job) => _ = job;

    /// <summary>Tells the flows that wait for a job how it ended.</summary>
    public void Answer(Job job, JobStatus status, byte[] result) => _ = (job, status, result);

    /// <summary>Tells a flow that its limit was reached.</summary>
    public void LimitReached(Job job, Subscriber subscriber) => _ = (job, subscriber);
}
