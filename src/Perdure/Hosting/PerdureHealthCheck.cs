using Microsoft.Extensions.Diagnostics.HealthChecks;
using Perdure.Hosting;

namespace Perdure;

/// <summary>A health check: <c>AddHealthChecks().AddCheck&lt;PerdureHealthCheck&gt;("perdure")</c>. Healthy when all shards are there, degraded when open runs or jobs need code that is not registered, or the breaker of a dependency is open.</summary>
public sealed class PerdureHealthCheck : IHealthCheck
{
    private readonly NodeHolder _holder;

    internal PerdureHealthCheck(NodeHolder holder) => _holder = holder;

    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        => Task.FromResult(_holder.Current switch
        {
            null => HealthCheckResult.Unhealthy("the engine is not started"),
            { IsReady: false } => HealthCheckResult.Unhealthy("not all shards are there: the store may be out of reach"),
            { MissingVersions: { IsEmpty: false } missing } => HealthCheckResult.Degraded($"open runs need code that is not registered: {string.Join(", ", missing.Select(m => $"{m.Type} version {m.Version} ({m.Runs})"))}"),
            { UnknownJobs: { IsEmpty: false } unknown } => HealthCheckResult.Degraded($"jobs wait for code that is not registered: {string.Join(", ", unknown)}"),
            { Dependencies.Open: { } open } when open.Any() => HealthCheckResult.Degraded($"the breakers of these dependencies are open: {string.Join(", ", open)}"),
            _ => HealthCheckResult.Healthy(),
        });
}
