using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Perdure.Engine;

namespace Perdure;

/// <summary>What one attempt of a step (or undo) knows. It converts to its <see cref="System.Threading.CancellationToken"/>.</summary>
public sealed class StepContext
{
    private readonly StepAsk _ask;
    private readonly IServiceProvider _services;
    private ConcurrentDictionary<string, bool>? _transactions;

    internal StepContext(StepAsk ask, int attempt, IServiceProvider services, CancellationToken cancellationToken)
    {
        _ask = ask;
        Attempt = attempt;
        CancellationToken = cancellationToken;
        _services = services;
    }

    /// <summary>The same for every attempt of this step in this run, and for its undo and reconcile; different for every other step.</summary>
    public string IdempotencyKey => _ask.IdempotencyKey;

    /// <summary>1 for the first attempt. Runs that a crash or a shutdown ended are not counted.</summary>
    public int Attempt { get; }

    /// <summary>Is cancelled when the attempt's time is up, the flow is cancelled, or the host stops.</summary>
    public CancellationToken CancellationToken { get; }

    /// <summary>Whether it is an undo's.</summary>
    internal bool IsUndo => _ask.Kind == AskKind.Undo;

    internal Serialization.FlowJson Json => _ask.Run.Services.Json;

    /// <summary>Where this attempt does the step's work in a transaction, or has done it.</summary>
    internal ConcurrentDictionary<string, bool> Transactions => LazyInitializer.EnsureInitialized(ref _transactions);

    /// <summary>A service from a scope of this attempt's own.</summary>
    public T Get<T>()
        where T : notnull
        => _services.GetRequiredService<T>();

    /// <summary>The context's cancellation token, so that it can be passed where a token is wanted.</summary>
    public static implicit operator CancellationToken(StepContext context) => context.CancellationToken;
}
