using Perdure.Diagnostics;
using Perdure.Serialization;

namespace Perdure.Queues;

/// <summary>A job's contract as this process knows it.</summary>
internal abstract class JobType(string name, Type type, string queue)
{
    /// <summary>The durable name.</summary>
    public string Name { get; } = name;

    public Type Type { get; } = type;

    /// <summary>Where its jobs go that say nothing.</summary>
    public string Queue { get; } = queue;

    /// <summary>Whether its jobs have a result.</summary>
    public bool HasResult { get; } = Array.Exists(type.GetInterfaces(), i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IJob<>));

    public abstract bool Merges { get; }

    public abstract byte[] Serialize(object job, FlowJson json);

    /// <summary>What the contract and the caller's options say together.</summary>
    public abstract JobOptions OptionsOf(object job, JobOptions? given);

    /// <summary>Where a job goes whose caller gave these options.</summary>
    public abstract string QueueOf(JobOptions? given);

    /// <summary>Makes one job of a waiting one and a new one; null drops both.</summary>
    /// <param name="waiting">The waiting one (JSON).</param>
    /// <param name="added">The new one (JSON).</param>
    /// <param name="json">Reads and writes them.</param>
    /// <param name="stands">Whether the waiting one stays as it is.</param>
    public abstract byte[]? Merge(byte[] waiting, byte[] added, FlowJson json, out bool stands);
}

internal sealed class JobType<TJob>(string name, string queue, JobContract<TJob>? given) : JobType(name, typeof(TJob), queue)
{
    private readonly JobContract<TJob> _contract = given ?? new();

    public override bool Merges => _contract.Merge is not null;

    public override byte[] Serialize(object job, FlowJson json) => json.Serialize((TJob)job, new PayloadName("job", Name));

    public override JobOptions OptionsOf(object job, JobOptions? given)
    {
        var value = (TJob)job;
        JobOptions own = _contract.Options;
        JobOptions options = given ?? own;
        return options with
        {
            Queue = QueueOf(given),
            Key = options.Key ?? _contract.Key?.Invoke(value) ?? own.Key,
            DedupKey = options.DedupKey ?? _contract.DedupKey?.Invoke(value) ?? own.DedupKey,
            Dedup = options.Dedup ?? own.Dedup ?? _contract.Dedup,
            Priority = options.Priority ?? _contract.Priority?.Invoke(value) ?? own.Priority,
            Delay = options.Delay ?? (options.RunAt is null ? own.Delay : null),
            RunAt = options.RunAt ?? (options.Delay is null ? own.RunAt : null),
            Limit = options.Limit ?? own.Limit,
            ExpireAfter = options.ExpireAfter ?? own.ExpireAfter,
            Timeout = options.Timeout ?? own.Timeout,
            Retry = options.Retry ?? own.Retry,
            KeepResult = options.KeepResult ?? own.KeepResult,
        };
    }

    public override string QueueOf(JobOptions? given) => given?.Queue ?? _contract.Options.Queue ?? Queue;

    public override byte[]? Merge(byte[] waiting, byte[] added, FlowJson json, out bool stands)
    {
        TJob before = json.Deserialize<TJob>(waiting, new PayloadName("job", Name));
        TJob? merged = _contract.Merge!(before, json.Deserialize<TJob>(added, new PayloadName("job", Name)));
        stands = ReferenceEquals(merged, before);
        return merged is null ? null : stands ? waiting : Serialize(merged, json);
    }
}

/// <summary>Ids of jobs as people see them: the queue and the job's number.</summary>
internal static class JobId
{
    public static string Text(string queue, long number) => $"{queue}-{number:x}";

    public static long Number(string id)
        => long.TryParse(id.AsSpan(id.LastIndexOf('-') + 1), System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture, out long number)
            ? number
            : throw new PerdureException(ErrorCodes.BadName, $"`{id}` is no id of a job.");
}
