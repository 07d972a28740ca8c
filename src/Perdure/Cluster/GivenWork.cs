using Perdure.Queues;
using Perdure.Serialization;

namespace Perdure.Cluster;

/// <summary>Jobs that a home gives to another node, for one call of its handler.</summary>
/// <param name="Queue">Their queue.</param>
/// <param name="Type">Their contract.</param>
/// <param name="Jobs">The jobs.</param>
internal sealed record GivenWork(string Queue, string Type, List<GivenJob> Jobs)
{
    public static GivenWork Read(byte[] json) => FlowJson.DeserializeAnswer<GivenWork>(json);

    public byte[] Write() => FlowJson.SerializeAnswer(this);
}

/// <summary>A job that a home gives to another node.</summary>
/// <param name="Number">The job.</param>
/// <param name="Token">What the node has it by: with it, it says what came of it.</param>
/// <param name="Timeout">The time for the attempt.</param>
internal sealed record GivenJob(long Number, Guid Token, TimeSpan Timeout)
{
    public string? Key { get; init; }

    public int Attempts { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The job itself (JSON); null where it is to be read from the store.</summary>
    public byte[]? Payload { get; init; }

    public byte[]? More { get; init; }

    public Job ToJob(GivenWork work) => new(Number, work.Queue, work.Type)
    {
        Key = Key,
        Attempts = Attempts,
        CreatedAt = CreatedAt,
        More = JobMore.Read(More),
    };
}

/// <summary>What came of jobs that a node was given.</summary>
/// <param name="Queue">Their queue.</param>
/// <param name="Jobs">The jobs.</param>
internal sealed record RanWork(string Queue, List<RanJob> Jobs)
{
    public static RanWork Read(byte[] json) => FlowJson.DeserializeAnswer<RanWork>(json);

    public byte[] Write() => FlowJson.SerializeAnswer(this);
}

/// <summary>What came of a job; without a report it is given back as if it had not begun.</summary>
internal sealed record RanJob(long Number, Guid Token, SentReport? Report);

/// <summary>What a node does of a home's jobs.</summary>
/// <param name="Node">The node.</param>
/// <param name="Name">What people call it.</param>
/// <param name="JobsMax">How many jobs it runs at once.</param>
/// <param name="Handlers">What it has handlers for; none when it is about to leave.</param>
internal sealed record NodeOffer(long Node, string Name, int JobsMax, List<OfferedHandler> Handlers)
{
    public static NodeOffer Read(byte[] json) => FlowJson.DeserializeAnswer<NodeOffer>(json);

    public byte[] Write() => FlowJson.SerializeAnswer(this);
}

/// <summary>A handler that a node has.</summary>
/// <param name="Queue">The queue.</param>
/// <param name="Type">The contract; null for all of the queue.</param>
/// <param name="TakesBatches">Whether it does several jobs at once.</param>
internal sealed record OfferedHandler(string Queue, string? Type, bool TakesBatches);
