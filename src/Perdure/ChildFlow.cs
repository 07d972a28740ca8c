using Perdure.Engine;

namespace Perdure;

/// <summary>Starts children of one flow type. See <see cref="ChildFlows"/>.</summary>
/// <typeparam name="TFlow">The child's class.</typeparam>
public interface IChildFlow<out TFlow>
    where TFlow : IFlow
{
    /// <summary>The child type's durable name.</summary>
    string Name { get; }
}

/// <summary>What a flow does with children.</summary>
public static class ChildFlows
{
    /// <summary>Runs a child and awaits its result. It is cancelled when this flow is, or when the region that runs it ends.</summary>
    /// <param name="child">The child's type.</param>
    /// <param name="input">Its input.</param>
    /// <param name="id">Its id; by default one made of this flow's id and the place of the call.</param>
    /// <exception cref="ChildFailedException">It failed, was cancelled or terminated, or a flow with this id exists that is not this ask's child.</exception>
    public static Task<TOut> Run<TIn, TOut>(this IChildFlow<IFlow<TIn, TOut>> child, TIn input, string? id = null)
        => Core(child).Verbs.RunChild<TIn, TOut>(child.Name, input, id);

    /// <summary>Starts a child without awaiting it.</summary>
    /// <param name="child">The child's type.</param>
    /// <param name="input">Its input.</param>
    /// <param name="id">Its id; by default one made of this flow's id and the place of the call.</param>
    /// <param name="detached">False: this flow's end waits for the child's, and its cancel cancels the child. True: the child lives on its own.</param>
    /// <returns>The child's id.</returns>
    public static string Start<TIn, TOut>(this IChildFlow<IFlow<TIn, TOut>> child, TIn input, string? id = null, bool detached = false)
        => Core(child).Verbs.StartChild<TIn, TOut>(child.Name, input, id, detached);

    private static FlowRun Core<TFlow>(IChildFlow<TFlow> child)
        where TFlow : IFlow
        => ((IChildOf)child).Parent;
}

internal interface IChildOf
{
    FlowRun Parent { get; }
}

internal sealed class ChildFlow<TFlow>(FlowRun parent, string name) : IChildFlow<TFlow>, IChildOf
    where TFlow : IFlow
{
    public string Name => name;

    public FlowRun Parent => parent;
}
