using Perdure;

namespace Fulfilment.Ordering;

/// <summary>Carries a command to its service, and brings back the reply.</summary>
public interface IBus
{
    /// <summary>Sends a command and waits for its reply.</summary>
    /// <param name="flow">Who asks.</param>
    /// <param name="command">The command.</param>
    /// <param name="limit">How long the reply may take.</param>
    /// <param name="late">What is said of an order whose reply takes longer.</param>
    /// <param name="undo">Undoes what the command did: when the flow undoes, and when the reply comes too late.</param>
    /// <param name="giveUp">Tells the service that nobody waits any more; null where nothing runs on there that anybody would miss.</param>
    /// <exception cref="RejectedException">The service says no, or nothing in time.</exception>
    Task<TYes> Ask<TYes, TNo>(FlowContext flow, ICommand<TYes, TNo> command, TimeSpan limit, string late, ICommand undo, ICommand? giveUp = null)
        where TYes : IReply
        where TNo : INo;
}
