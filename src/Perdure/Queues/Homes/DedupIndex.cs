namespace Perdure.Queues;

/// <summary>Finds the job that is the same one: of a queue and a contract. One of another contract has another result, and another handler.</summary>
internal sealed class DedupIndex
{
    private readonly Dictionary<(string Queue, string Type, string Key), Job> _jobs = [];

    public Job? Find(string queue, string type, string key) => _jobs.GetValueOrDefault((queue, type, key));

    /// <summary>From now on this job is the one of its key; an older one that runs no longer is.</summary>
    public void Add(Job job)
    {
        if (job.More?.Dedup is { } key)
        {
            _jobs[(job.Queue, job.Type, key)] = job;
        }
    }

    /// <summary>The job waits again: it is the one of its key if no other one is.</summary>
    public void AddBack(Job job)
    {
        if (job.More?.Dedup is { } key)
        {
            _jobs.TryAdd((job.Queue, job.Type, key), job);
        }
    }

    public void Remove(Job job)
    {
        if (job.More?.Dedup is { } key && _jobs.GetValueOrDefault((job.Queue, job.Type, key)) == job)
        {
            _jobs.Remove((job.Queue, job.Type, key));
        }
    }

    public void Clear() => _jobs.Clear();
}
