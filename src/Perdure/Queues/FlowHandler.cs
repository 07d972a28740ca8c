using Perdure.Serialization;

namespace Perdure.Queues;

/// <summary>Jobs that flows do: the job is the flow's input.</summary>
internal sealed class FlowHandler(FlowDefinition flow) : HandlerDefinition(null, flow.InputType)
{
    public string FlowType => flow.Name;

    internal override Type ResultType => flow.ResultType;

    internal override JobType PlainType(string queue) => flow.JobTypeOf(JobName, queue);

    internal override ValueTask<byte[]> RunAsync(JobContext context, byte[] payload, FlowJson json)
        => throw new InvalidOperationException("A flow is started, not called.");
}
