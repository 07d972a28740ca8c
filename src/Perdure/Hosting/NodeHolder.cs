using Perdure.Diagnostics;
using Perdure.Engine;

namespace Perdure.Hosting;

/// <summary>Where clients find the node, once the host has started it.</summary>
internal sealed class NodeHolder
{
    private volatile Node? _node;

    /// <summary>The node, or null while there is none.</summary>
    public Node? Current
    {
        get => _node;
        set => _node = value;
    }

    public Node Node => _node ?? throw new PerdureException(ErrorCodes.NotStarted, "the host has not been started, or has stopped: flows can be used between the two.");
}
