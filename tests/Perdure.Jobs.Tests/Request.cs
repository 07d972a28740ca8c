namespace Perdure.Jobs.Tests;

/// <summary>A call that a page makes.</summary>
public sealed record Request(string Url) : IJob<string>;

/// <summary>Work without a result.</summary>
public sealed record Chore(string Name) : IJob;
