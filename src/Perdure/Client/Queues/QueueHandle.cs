using Perdure.Client;
using Perdure.Queues;

namespace Perdure;

/// <summary>Acts on one queue.</summary>
public sealed class QueueHandle
{
    private readonly JobCalls _calls;
    private readonly LeaseCalls _leases;
    private readonly QueueCalls _admin;

    internal QueueHandle(JobCalls calls, string name)
    {
        _calls = calls;
        _leases = new LeaseCalls(calls);
        _admin = new QueueCalls(calls);
        Name = name;
    }

    /// <summary>The queue's name.</summary>
    public string Name { get; }

    /// <summary>Starts no more jobs until it is resumed. What runs runs on, and new jobs wait. It holds over restarts.</summary>
    public Task PauseAsync(CancellationToken cancellationToken = default) => SetModeAsync(QueueMode.Paused, cancellationToken);

    /// <summary>Takes no new jobs until it is resumed (PRD1016), and does those that are there. It holds over restarts.</summary>
    public Task DrainAsync(CancellationToken cancellationToken = default) => SetModeAsync(QueueMode.Draining, cancellationToken);

    /// <summary>Ends a pause, or draining.</summary>
    public Task ResumeAsync(CancellationToken cancellationToken = default) => SetModeAsync(QueueMode.Open, cancellationToken);

    /// <summary>
    /// Pulls jobs for a worker outside this process, from a queue that no handler of this process serves. Each is the worker's until its
    /// <see cref="LeasedJob.LeaseUntil"/>: until then it renews, reports or gives the job back. Whoever has waited longest gets the next job.
    /// </summary>
    /// <param name="worker">Who pulls, for people to read; 1 to 400 characters.</param>
    /// <param name="max">At most so many jobs, 1 to 1,000. The call answers as soon as there is one.</param>
    /// <param name="wait">How long to wait for the first, zero to 24 days; <see cref="Timeout.InfiniteTimeSpan"/> for always.</param>
    /// <param name="cancellationToken">Stops the pull. A job that was assigned meanwhile is given back at once.</param>
    /// <returns>The jobs, best first; none when the wait is over.</returns>
    /// <exception cref="PerdureException">A handler of this process does the queue's jobs (PRD1022), or an argument is out of its range (PRD4004).</exception>
    /// <exception cref="StoreUnavailableException">Nobody can say whether there was a job; it comes back when its lease ends.</exception>
    /// <remarks>A job is delivered at least once: one whose lease ends is given to the next worker. Leases hold over restarts.</remarks>
    public Task<IReadOnlyList<LeasedJob>> LeaseAsync(string worker, int max, TimeSpan wait, CancellationToken cancellationToken = default)
        => _leases.PullAsync(Name, worker, max, wait, cancellationToken);

    /// <summary>Lists the queue's dead letters, the newest first.</summary>
    /// <param name="filter">Which; its queue and status are the dead letters' of this queue. All by default, at most 1,000.</param>
    /// <param name="cancellationToken">Stops the list.</param>
    public IAsyncEnumerable<JobInfo> DeadLettersAsync(JobFilter? filter = null, CancellationToken cancellationToken = default)
        => _admin.ListAsync((filter ?? new JobFilter()) with { Queue = Name, Status = JobStatus.Failed }, cancellationToken);

    /// <summary>Makes dead letters jobs again: each keeps its id, its place by age and its history, and gets fresh attempts.</summary>
    /// <param name="filter">Which; the newest where there are more than its <see cref="JobFilter.Limit"/>.</param>
    /// <param name="atMost">How many are tried per time, the oldest first; null for all as soon as the queue lets them.</param>
    /// <param name="cancellationToken">Stops between pages of 500; what was redriven stays so.</param>
    /// <returns>How many were redriven.</returns>
    public Task<int> RedriveAsync(JobFilter filter, Rate? atMost = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return _admin.RedriveAsync(Name, filter, atMost, cancellationToken);
    }

    /// <summary>Makes a dead letter a job again: it keeps its id, its place by age and its history, and gets fresh attempts.</summary>
    /// <exception cref="PerdureException">The job is no dead letter of this queue (PRD1023), or there is none (PRD1017).</exception>
    public Task<JobHandle> RedriveAsync(string id, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        return _admin.RedriveAsync(Name, id, edited: null, cancellationToken);
    }

    /// <summary>Makes a dead letter a job again, with other work in it. It keeps its id and its history; its key is that of the new work, if that has one.</summary>
    /// <exception cref="PerdureException">As without an edit; or the new work is of another contract (PRD1006).</exception>
    public Task<JobHandle> RedriveAsync(string id, IJob edited, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        ArgumentNullException.ThrowIfNull(edited);
        return _admin.RedriveAsync(Name, id, edited, cancellationToken);
    }

    /// <summary>Forgets dead letters for good.</summary>
    /// <returns>How many.</returns>
    public Task<int> DiscardAsync(JobFilter filter, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return _admin.DiscardAsync(Name, filter, cancellationToken);
    }

    /// <summary>Changes the queue's policy while it runs. It holds over restarts, until it is changed again or <see cref="ResetAsync"/>.</summary>
    /// <param name="change">Changes a copy of the policy as it is now; called again if somebody else was faster.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="PerdureException">The new policy is refused, as at the start: an option out of its range (PRD4004), pools (PRD4009), a dependency (PRD4011).</exception>
    public Task ChangeAsync(Action<QueueOptions> change, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(change);
        return _admin.ChangeAsync(Name, change, cancellationToken);
    }

    /// <summary>Goes back to the policy of the configuration.</summary>
    public Task ResetAsync(CancellationToken cancellationToken = default) => _calls.AskAsync(new ResetPolicy(Name), cancellationToken);

    /// <summary>Says how the queue does. It looks at each job that is open, so ask it now and then, not for each request.</summary>
    /// <param name="priority">The priority for <see cref="QueueStats.ExpectedWait"/>; the queue's by default.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    public Task<QueueStats> StatsAsync(int? priority = null, CancellationToken cancellationToken = default)
        => _calls.AskAsync(new ReadStats(Name, priority), cancellationToken);

    private Task SetModeAsync(QueueMode mode, CancellationToken cancellationToken) => _calls.AskAsync(new SetQueueMode(Name, mode), cancellationToken);
}
