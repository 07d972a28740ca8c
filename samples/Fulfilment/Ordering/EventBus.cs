using Perdure;

namespace Fulfilment.Ordering;

/// <summary>Topics are the bus: the command is an event for one service, and so is the reply, under the command's request id.</summary>
public sealed class EventBus : IBus
{
    public async Task<TYes> Ask<TYes, TNo>(FlowContext flow, ICommand<TYes, TNo> command, TimeSpan limit, string late, ICommand undo, ICommand? giveUp = null)
        where TYes : IReply
        where TNo : INo
    {
        IReply? reply = null;
        flow.OnUndo(() =>
        {
            if (reply is null)
            {
                GiveUp();
            }
            else if (reply is TYes)
            {
                flow.Publish(undo);
            }

            return Task.CompletedTask;
        });
        flow.Publish(command);
        try
        {
            reply = await flow.First<IReply>(async () => await flow.Event<TYes>(command.Key, limit), async () => await flow.Event<TNo>(command.Key, limit));
        }
        catch (LimitReachedException)
        {
            throw new RejectedException(late);
        }

        return reply is TYes yes ? yes : throw new RejectedException(((TNo)reply).Reason);

        // The reply may come all the same, when this flow has ended: another one waits for it.
        void GiveUp()
        {
            if (giveUp is not null)
            {
                flow.Publish(giveUp);
            }

            flow.Child<AnswerLateReply>().Start(new GivenUp(command.Key, command.RefId), id: command.Key, detached: true);
        }
    }
}
