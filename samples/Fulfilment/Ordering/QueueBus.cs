using Perdure;

namespace Fulfilment.Ordering;

/// <summary>Queues are the bus: the command is a job of the service's queue, and its result the reply.</summary>
/// <remarks>
/// There is no late reply here: at the limit the flow leaves the job, so the queue cancels it, and who works at it is told. What was done all the
/// same nobody hears of. So the undo goes out whether or not there was a reply, and the service remembers it for a command that comes after it.
/// </remarks>
public sealed class QueueBus : IBus
{
    public async Task<TYes> Ask<TYes, TNo>(FlowContext flow, ICommand<TYes, TNo> command, TimeSpan limit, string late, ICommand undo, ICommand? giveUp = null)
        where TYes : IReply
        where TNo : INo
    {
        flow.OnUndo(() =>
        {
            flow.Enqueue(undo);
            return Task.CompletedTask;
        });
        try
        {
            return await flow.Call(command, new JobOptions { Limit = limit });
        }
        catch (LimitReachedException)
        {
            throw new RejectedException(late);
        }
        catch (Exception e) when (e is JobFailedException or JobCancelledException)     // it needs a person, or a person has decided; the order does not wait for that
        {
            throw new RejectedException(e.Message);
        }
    }
}
