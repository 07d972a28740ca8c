using Perdure.Events;
using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>What the store holds of a home.</summary>
/// <param name="Jobs">Its jobs, in the order of their numbers; without a place.</param>
/// <param name="Memos">What it remembers.</param>
/// <param name="Topics">Its topics.</param>
internal sealed record HomeState(List<Job> Jobs, IReadOnlyList<MemoRow> Memos, TopicsState Topics)
{
    private const int ReadMax = 2_000;

    /// <summary>Reads it, page by page: there may be a million jobs.</summary>
    public static async Task<HomeState> ReadAsync(IStore store, int shard, QueueRegistry registry, CancellationToken cancellationToken)
    {
        List<Job> jobs = [];
        Dictionary<string, string> names = new(StringComparer.Ordinal);
        IReadOnlyList<JobRow> page;
        do
        {
            page = await store.ReadJobsAsync(shard, jobs.Count == 0 ? long.MinValue : jobs[^1].Number, ReadMax, cancellationToken);
            List<Job> read = [.. page.Select(row => JobOf(row, Shared))];
            await ReadPayloadsAsync(store, shard, registry, read, cancellationToken);
            jobs.AddRange(read);
        }
        while (page.Count == ReadMax);
        IReadOnlyList<MemoRow> memos = await store.ReadMemosAsync(shard, cancellationToken);
        return new HomeState(jobs, memos, await TopicsState.ReadAsync(store, shard, registry.Events, memos, cancellationToken));

        // A million jobs share the names of their queues and contracts, and many their keys.
        string Shared(string name)
        {
            if (!names.TryGetValue(name, out string? known))
            {
                names.Add(name, known = name);
            }

            return known;
        }
    }

    /// <summary>A job as its row has it.</summary>
    public static Job JobOf(JobRow row, Func<string, string> shared) => new(row.Number, shared(row.Queue), shared(row.Type))
    {
        Key = row.Key is { } key ? shared(key) : null,
        Priority = row.State.Priority,
        CreatedAt = row.CreatedAt,
        NotBefore = row.State.NotBefore ?? default,
        Attempts = row.State.Attempts,
        More = MoreOf(row),
    };

    private static JobMore? MoreOf(JobRow row)
    {
        JobMore? more = JobMore.Read(row.State.More);
        if (more?.Event is { } about)
        {
            about.HasRow = true;
        }

        return more;
    }

    /// <summary>Jobs that may be merged with later ones have their payloads in memory.</summary>
    private static async Task ReadPayloadsAsync(IStore store, int shard, QueueRegistry registry, List<Job> jobs, CancellationToken cancellationToken)
    {
        List<Job> merging = jobs.FindAll(j => registry.Find(j.Type) is { Merges: true });
        if (merging.Count > 0)
        {
            IReadOnlyList<byte[]?> payloads = await store.ReadPayloadsAsync(shard, merging.ConvertAll(j => j.Number), cancellationToken);
            for (int i = 0; i < merging.Count; i++)
            {
                merging[i].Payload = payloads[i];
            }
        }
    }
}
