namespace Perdure.Picture;

/// <summary>A graph to be drawn: boxes with a line or two of text, and arrows between them. It may have circles.</summary>
/// <param name="Title">What it shows.</param>
internal sealed record Graph(string Title)
{
    public List<GraphNode> Nodes { get; } = [];

    public List<GraphEdge> Edges { get; } = [];
}

/// <summary>A box.</summary>
/// <param name="Id">Unique in the graph.</param>
/// <param name="Text">Its first line.</param>
/// <param name="Detail">Its second line; empty for none.</param>
/// <param name="Tone">Its colours and form.</param>
internal sealed record GraphNode(string Id, string Text, string Detail, Tone Tone)
{
    /// <summary>Whether something is wrong with it.</summary>
    public bool IsBad { get; init; }

    /// <summary>Whether it is not over.</summary>
    public bool IsOpen { get; init; }
}

/// <summary>An arrow.</summary>
/// <param name="From">The index of the node that it comes from.</param>
/// <param name="To">The index of the node that it leads to.</param>
/// <param name="Label">What stands at it; empty for nothing.</param>
internal sealed record GraphEdge(int From, int To, string Label = "")
{
    public bool IsDashed { get; init; }
}

/// <summary>How a box looks. Its text says what it is, too: colours alone would not be seen by all.</summary>
internal enum Tone
{
    Plain,
    Flow,
    Event,
    Job,
    Handler,
    Wait,
    Undo,
}
