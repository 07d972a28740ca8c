using Perdure.Engine;
using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>Clients that follow how far jobs come. What they see is durable, and whoever reads slowly sees the latest.</summary>
internal sealed class Followers(Home home)
{
    private readonly Dictionary<long, List<JobFollower>> _followers = [];

    public bool IsEmpty => _followers.Count == 0;

    /// <summary>Shows a job as it is, and from now on what changes.</summary>
    public void Add(JobFollower follower)
    {
        if (home.Find(follower.Number) is { } job)
        {
            Register(follower);
            if (follower.Seen != Of(job))
            {
                Show([follower], Of(job));
            }
        }
        else
        {
            home.Shard.Commits.Then(new ReadEnd(home, follower)); // its end may be on its way to the store
        }
    }

    public void Remove(JobFollower follower)
    {
        if (_followers.TryGetValue(follower.Number, out List<JobFollower>? list) && list.Remove(follower) && list.Count == 0)
        {
            _followers.Remove(follower.Number);
        }
    }

    /// <summary>A job has come further.</summary>
    public void Progressed(Job job)
    {
        if (_followers.TryGetValue(job.Number, out List<JobFollower>? list))
        {
            Show([.. list], Of(job));
        }
    }

    public void Ended(Job job, JobStatus status)
    {
        if (_followers.Remove(job.Number, out List<JobFollower>? list))
        {
            JobProgress end = Of(job) with { Status = status };
            list.FindAll(f => f.Call is not null).ForEach(f => f.Send(end));
            home.Shard.Commits.Then(new ShownEnd(this, list.FindAll(f => f.Call is null), end));
        }
    }

    /// <summary>After a takeover: everybody here asks again; calls from other nodes are in the inbox.</summary>
    public void AskAgain() => TakeAll().FindAll(f => f.Call is null).ForEach(Add);

    public void Fail(PerdureException reason) => TakeAll().ForEach(f => f.Fail(reason));

    /// <summary>Takes everybody who follows a job.</summary>
    public List<JobFollower> TakeAll()
    {
        List<JobFollower> all = [.. _followers.Values.SelectMany(f => f)];
        _followers.Clear();
        return all;
    }

    /// <summary>Shows those here what is decided once it is durable. Those on other nodes are answered in the same batch, and ask for the next.</summary>
    private void Show(List<JobFollower> followers, JobProgress progress)
    {
        foreach (JobFollower follower in followers.Where(f => f.Call is not null))
        {
            Remove(follower);
            follower.Send(progress);
        }

        if (followers.FindAll(f => f.Call is null) is { Count: > 0 } here)
        {
            home.Shard.Commits.Then(new Shown(here, progress));
        }
    }

    private static JobProgress Of(Job job) => new(job.Status, job.More?.Done, job.More?.Text) { Attempt = job.Attempts + 1 };

    private void Register(JobFollower follower)
    {
        if (!_followers.TryGetValue(follower.Number, out List<JobFollower>? list))
        {
            _followers.Add(follower.Number, list = new(1));
        }

        list.Add(follower);
    }

    /// <summary>What a job has come to is durable.</summary>
    private sealed class Shown(List<JobFollower> followers, JobProgress progress) : IEffect
    {
        public void Release() => followers.ForEach(f => f.Show(progress));

        public void Lost(PerdureException reason)
        {
            // They ask again.
        }
    }

    /// <summary>A job's end is durable.</summary>
    private sealed class ShownEnd(Followers home, List<JobFollower> followers, JobProgress end) : IEffect
    {
        public void Release() => followers.ForEach(f => f.End(end));

        public void Lost(PerdureException reason) => followers.ForEach(home.Register); // they ask again
    }

    /// <summary>Reads how a job ended once that must be in the store.</summary>
    private sealed class ReadEnd(Home home, JobFollower follower) : IEffect
    {
        public void Release() => _ = ReadAsync();

        public void Lost(PerdureException reason) => home.Followers.Register(follower);

        private async Task ReadAsync()
        {
            JobProgress? progress = null;
            PerdureException? error = null;
            try
            {
                JobEndRow? end = (await home.Node.Store.ReadJobEndsAsync(home.Shard.Index, [follower.Number], CancellationToken.None))[0];
                JobMore? more = JobMore.Read(end?.More);
                progress = end is null ? null : new JobProgress(end.Status, more?.Done, more?.Text) { Attempt = end.Attempts + 1 };
            }
            catch (Exception e)
            {
                error = e as PerdureException ?? new StoreException(Diagnostics.ErrorCodes.StoreFailed, e.Message, e);
            }

            if (follower.Call is not null)
            {
                home.Shard.Post(new FollowedEndRead(follower, progress, error));
            }
            else if (error is null)
            {
                follower.Tell(progress);
            }
            else
            {
                follower.Fail(error);
            }
        }
    }
}
