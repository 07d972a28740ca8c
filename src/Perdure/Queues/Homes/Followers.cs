using System.Threading.Channels;
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
            home.Shard.Commits.Then(new Shown([follower], Of(job)));
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
            home.Shard.Commits.Then(new Shown([.. list], Of(job)));
        }
    }

    public void Ended(Job job, JobStatus status)
    {
        if (_followers.Remove(job.Number, out List<JobFollower>? list))
        {
            home.Shard.Commits.Then(new ShownEnd(this, list, Of(job) with { Status = status }));
        }
    }

    /// <summary>After a takeover: everybody asks again.</summary>
    public void AskAgain() => TakeAll().ForEach(Add);

    public void Fail(PerdureException reason) => TakeAll().ForEach(f => f.Fail(reason));

    /// <summary>Takes everybody who follows a job.</summary>
    public List<JobFollower> TakeAll()
    {
        List<JobFollower> all = [.. _followers.Values.SelectMany(f => f)];
        _followers.Clear();
        return all;
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
            try
            {
                JobEndRow? end = (await home.Node.Store.ReadJobEndsAsync(home.Shard.Index, [follower.Number], CancellationToken.None))[0];
                if (end is null)
                {
                    follower.NotFound();
                }
                else
                {
                    JobMore? more = JobMore.Read(end.More);
                    follower.End(new JobProgress(end.Status, more?.Done, more?.Text) { Attempt = end.Attempts + 1 });
                }
            }
            catch (Exception e)
            {
                follower.Fail(e as PerdureException ?? new StoreException(Diagnostics.ErrorCodes.StoreFailed, e.Message, e));
            }
        }
    }
}

/// <summary>Follows one job.</summary>
internal sealed class JobFollower(string queue, long number) : HomeMessage
{
    private readonly Channel<JobProgress> _shown = Channel.CreateBounded<JobProgress>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });

    public long Number => number;

    public IAsyncEnumerable<JobProgress> ReadAsync(CancellationToken cancellationToken) => _shown.Reader.ReadAllAsync(cancellationToken);

    public void Show(JobProgress progress) => _shown.Writer.TryWrite(progress);

    public void End(JobProgress end)
    {
        _shown.Writer.TryWrite(end);
        _shown.Writer.TryComplete();
    }

    public void NotFound() => _shown.Writer.TryComplete(new JobNotFoundException(JobId.Text(queue, number)));

    /// <summary>Nothing more can happen: a test learns it at once.</summary>
    public void GiveUp(Exception reason) => _shown.Writer.TryComplete(reason);

    public override void Fail(PerdureException reason) => _shown.Writer.TryComplete(new StoreUnavailableException($"job {JobId.Text(queue, number)}", reason));

    protected override void Deliver() => Home.Followers.Add(this);
}

/// <summary>The client no longer follows.</summary>
internal sealed class StopFollowing(JobFollower follower) : HomeMessage
{
    protected override void Deliver() => Home.Followers.Remove(follower);
}
