namespace Perdure.Simulation.Events;

/// <summary>An event that says which one it is. Whoever publishes something gives it a number that nothing else has.</summary>
internal interface IMarked
{
    int N { get; }
}

/// <summary>Something that handlers answer with more of the like, so many times.</summary>
internal sealed record Tick(int N, string Key, int Hops) : IMarked;

/// <summary>Something in the same topic that leads to nothing.</summary>
internal sealed record Tock(int N, string Key) : IMarked;

/// <summary>Something about nothing in particular.</summary>
internal sealed record Chat(int N) : IMarked;

/// <summary>What one flow waits for.</summary>
internal sealed record Ping(int N, string Key) : IMarked;

/// <summary>What all flows get that wait for it.</summary>
internal sealed record Gong(int N, string Key) : IMarked;

/// <summary>What starts a flow, once for each key.</summary>
internal sealed record Opened(int N, string Key) : IMarked;

/// <summary>A job whose handler publishes, and leaves more of the like to their queue, so many times.</summary>
internal sealed record Chore(int N, int Hops) : IJob<string>, IMarked;
