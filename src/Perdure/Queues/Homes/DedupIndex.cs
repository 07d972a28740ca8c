namespace Perdure.Queues;

/// <summary>Finds the job that is the same one.</summary>
internal sealed class DedupIndex
{
    private readonly Dictionary<(string Queue, string Key), Job> _jobs = [];

    public Job? Find(string queue, string key) => _jobs.GetValueOrDefault((queue, key));

    /// <summary>From now on this job is the one of its key; an older one that runs no longer is.</summary>
    public void Add(Job job)
    {
        if (job.More?.Dedup is { } key)
        {
            _jobs[(job.Queue, key)] = job;
        }
    }

    /// <summary>The job waits again: it is the one of its key if no other one is.</summary>
    public void AddBack(Job job)
    {
        if (job.More?.Dedup is { } key)
        {
            _jobs.TryAdd((job.Queue, key), job);
        }
    }

    public void Remove(Job job)
    {
        if (job.More?.Dedup is { } key && _jobs.GetValueOrDefault((job.Queue, key)) == job)
        {
            _jobs.Remove((job.Queue, key));
        }
    }

    public void Clear() => _jobs.Clear();
}
