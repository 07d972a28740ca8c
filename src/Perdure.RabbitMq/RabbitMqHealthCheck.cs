using Microsoft.Extensions.Diagnostics.HealthChecks;
using Perdure.RabbitMq;

namespace Perdure;

/// <summary>A health check: <c>AddHealthChecks().AddCheck&lt;RabbitMqHealthCheck&gt;("rabbitmq")</c>. Degraded while a bridge has no connection: flows go on, and events wait.</summary>
public sealed class RabbitMqHealthCheck : IHealthCheck
{
    private readonly IEnumerable<BridgeSet> _sets;

    internal RabbitMqHealthCheck(IEnumerable<BridgeSet> sets) => _sets = sets;

    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        string[] problems = [.. _sets.SelectMany(s => s.All).Where(b => b.Problem is not null).Select(b => $"bridge {b.Name}: {b.Problem}")];
        return Task.FromResult(problems.Length == 0 ? HealthCheckResult.Healthy() : HealthCheckResult.Degraded(string.Join("; ", problems)));
    }
}
