using Likes.JobStore;
using Likes.Posts;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Perdure;
using Perdure.Sqlite;

namespace Likes;

public static class Registration
{
    private const string Queue = "likes";
    private const string Database = "posts-database";

    /// <summary>Adds the posts' database, and the queue in which likes wait for it.</summary>
    /// <param name="services">The host's services. Options that are there already are taken.</param>
    /// <param name="dataFolder">Where all files are kept; made if it does not exist.</param>
    public static IServiceCollection AddLikes(this IServiceCollection services, string dataFolder)
    {
        string folder = Directory.CreateDirectory(dataFolder).FullName;
        services.TryAddSingleton(new LikesOptions());
        var options = (LikesOptions)services.First(s => s.ServiceType == typeof(LikesOptions)).ImplementationInstance!;
        return services
            .AddSingleton<DatabaseFaults>()
            .AddSingleton(s => new PostsDatabase(Path.Combine(folder, "posts.db"), s.GetRequiredService<DatabaseFaults>()))
            .AddSingleton<JobStoreSwitch>()
            .AddSingleton<Operations>()
            .AddPerdure(perdure => perdure
                .UseStore(s => new SwitchedStore(new SqliteStore(Path.Combine(folder, "jobs.db")), s.GetRequiredService<JobStoreSwitch>()))
                .AddDependency(Database, dependency =>
                {
                    dependency.AtLeast = options.BreakerAtLeast;
                    dependency.OpenFor = options.BreakerOpenFor;
                    dependency.OpenForMax = options.BreakerOpenForMax;
                })
                .AddQueue(Queue, queue =>
                {
                    queue.InOrder = true;
                    queue.Dependency = Database;
                    queue.Rate = new Rate(options.WritesPerSecond, TimeSpan.FromSeconds(1)) { Burst = Math.Max(1, options.WritesPerSecond / 10) };
                    queue.Retry = Retry.Forever with { First = options.RetryFirst, Cap = options.RetryCap, Jitter = 1 };
                    queue.Timeout = TimeSpan.FromSeconds(10);
                })
                .AddJob<Like>(Queue, like =>
                {
                    like.Key = like.DedupKey = l => l.Key;
                    like.Dedup = Dedup.ReplaceOrJoin;
                    like.Merge = Like.Merge;
                    like.Options = new JobOptions { ExpireAfter = options.ExpireAfter };
                })
                .AddJob<TakeBack>(Queue, back =>
                {
                    back.Key = b => Like.KeyOf(b.User, b.Post);
                    back.DedupKey = b => b.Operation;
                })
                .AddHandler<LikeHandler>(Queue)
                .AddHandler<TakeBackHandler>(Queue)
                .Errors(errors => errors.Reject<PostGoneException>().Reject<NotAllowedException>()));   // whatever else it throws may pass
    }
}
