using System.Text.Json;
using Perdure.Diagnostics;
using Perdure.Serialization;

namespace Perdure;

/// <summary>How the engine runs. The defaults suit most programs.</summary>
public sealed class PerdureOptions
{
    /// <summary>How many shards a new store gets, 1 to 1,023; 64 by default. A store that exists keeps its own.</summary>
    public int ShardCount { get; set; } = 64;

    /// <summary>What people call this node, where several share a store; the machine's name and the process id by default.</summary>
    public string NodeName { get; set; } = $"{Environment.MachineName}/{Environment.ProcessId}";

    /// <summary>How long a node counts as alive after it was heard of last, where several share a store: others take its shards over then. 10 s by default, from 1 s to 5 min; it is heard of three times as often.</summary>
    public TimeSpan NodeLease { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How many jobs run at once on this node, where others do jobs of the same queues too; 256 by default, at least 1. What it has no room for they do.</summary>
    public int JobsPerNodeMax { get; set; } = 256;

    /// <summary>How many threads run flow code, 1 to 64; half the processors by default, at most 8.</summary>
    public int Loops { get; set; } = Math.Clamp(Environment.ProcessorCount / 2, 1, 8);

    /// <summary>How many flows stay in memory; 20,000 by default. Flows beyond it that wait long leave memory and come back by replay.</summary>
    public int FlowsInMemoryMax { get; set; } = 20_000;

    /// <summary>The largest input, result or signal, in bytes of JSON; 2 MiB by default.</summary>
    public int PayloadBytesMax { get; set; } = 2 * 1024 * 1024;

    /// <summary>How long flow code may block its thread before the wait is made to throw; 200 ms by default.</summary>
    public TimeSpan BlockingWaitMax { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How long one turn of flow code may take before it is left behind and the flow is stuck; 5 s by default.</summary>
    public TimeSpan TurnTimeMax { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The time for one attempt of a step that says nothing; 5 minutes by default.</summary>
    public TimeSpan StepTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a stopping host waits for attempts that run; 10 s by default. What has no outcome then runs again in the next process.</summary>
    public TimeSpan ShutdownGrace { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the end of a job is kept that belongs to a business transaction which something else began, so that it can be seen as a whole; 7 days by default, zero for not at all.</summary>
    public TimeSpan KeepTraces { get; set; } = TimeSpan.FromDays(7);

    /// <summary>How values become JSON. Camel case, fields included, nullable annotations respected by default.</summary>
    public JsonSerializerOptions Json { get; } = FlowJson.DefaultOptions();

    internal void Check()
    {
        Require(ShardCount is >= 1 and <= 1023, nameof(ShardCount), "1 to 1,023");
        Require(NodeName is { Length: >= 1 and <= 200 }, nameof(NodeName), "1 to 200 characters long");
        Require(NodeLease >= TimeSpan.FromSeconds(1) && NodeLease <= TimeSpan.FromMinutes(5), nameof(NodeLease), "from 1 second to 5 minutes");
        Require(Loops is >= 1 and <= 64, nameof(Loops), "1 to 64");
        Require(FlowsInMemoryMax >= 1, nameof(FlowsInMemoryMax), "at least 1");
        Require(PayloadBytesMax >= 1024, nameof(PayloadBytesMax), "at least 1,024");
        Require(BlockingWaitMax > TimeSpan.Zero, nameof(BlockingWaitMax), "more than zero");
        Require(TurnTimeMax > BlockingWaitMax, nameof(TurnTimeMax), "more than BlockingWaitMax");
        Require(StepTimeout > TimeSpan.Zero && StepTimeout < TimeSpan.FromDays(24), nameof(StepTimeout), "more than zero and less than 24 days");
        Require(KeepTraces >= TimeSpan.Zero && KeepTraces <= QueueOptions.KeepMax, nameof(KeepTraces), "zero to 100 years");
        Require(JobsPerNodeMax >= 1, nameof(JobsPerNodeMax), "at least 1");
        Require(ShutdownGrace >= TimeSpan.Zero, nameof(ShutdownGrace), "zero or more");
    }

    private static void Require(bool holds, string option, string range)
    {
        if (!holds)
        {
            throw new PerdureException(ErrorCodes.BadOption, $"option {option} must be {range}.");
        }
    }
}
