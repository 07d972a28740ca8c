using System.Globalization;
using Perdure.Storage;

namespace Perdure.Postgres.Reading;

/// <summary>Lists and counts flows: unusual runs (stuck, failed) and those of a business transaction by their indexes, the others by walking each shard's newest runs.</summary>
internal sealed class FlowLister(Reads reads)
{
    private const string Unusual = "flow.status NOT IN (0, 3)";

    /// <summary>Reads a page of a list: runs before a number, the newest first.</summary>
    public Task<List<FlowRow>> ListAsync(FlowFilter filter, long before, int limit, CancellationToken cancellationToken)
    {
        Conditions conditions = Of(filter);
        conditions.And($"flow.run < {conditions.Add(before)}");
        string end = $"ORDER BY run DESC LIMIT {conditions.Add(limit)}";
        IEnumerable<string> branches = StatusesOf(filter).Select(status => filter.Correlation is not null || status.Contains(Unusual, StringComparison.Ordinal)
            ? $"(SELECT {FlowReader.FlowColumns} FROM {reads.Schema}.flow WHERE {status}{conditions} {end})"
            : $"""
              (SELECT flow.* FROM {reads.Schema}.shard CROSS JOIN LATERAL (
                  SELECT {FlowReader.FlowColumns} FROM {reads.Schema}.flow WHERE flow.shard = shard.shard AND {status}{conditions} {end}) AS flow
              {end})
              """);
        return reads.AnyWayAsync($"SELECT * FROM ({string.Join(" UNION ALL ", branches)}) AS flow {end}", FlowReader.ToFlow, cancellationToken, conditions.Parameters);
    }

    public async Task<long> CountAsync(FlowFilter filter, CancellationToken cancellationToken)
    {
        Conditions conditions = Of(filter);
        string limit = conditions.Add(Math.Max(0L, filter.Limit ?? long.MaxValue));
        IEnumerable<string> branches = StatusesOf(filter).Select(status => $"SELECT 1 FROM {reads.Schema}.flow WHERE {status}{conditions}");
        string sql = $"SELECT count(*) FROM ({string.Join(" UNION ALL ", branches)} LIMIT {limit}) AS flow";
        return (await reads.AnyWayAsync(sql, row => row.GetInt64(0), cancellationToken, conditions.Parameters).ConfigureAwait(false))[0];
    }

    private static Conditions Of(FlowFilter filter) => new Conditions()
        .AndText("flow.type =", filter.Type)
        .AndTime("flow.created_at >=", filter.StartedFrom)
        .AndTime("flow.created_at <", filter.StartedBefore)
        .AndCorrelation("flow", filter.Correlation);

    /// <summary>Conditions on the status, of which one at most holds for a run: what each finds comes from an index of its own.</summary>
    private static List<string> StatusesOf(FlowFilter filter)
    {
        if (filter.Statuses is not { Count: > 0 } statuses)
        {
            return ["true"];
        }

        string[] common = [.. statuses.Where(IsCommon).Distinct().Order().Select(Number)];
        List<string> conditions = [.. statuses.Where(status => !IsCommon(status)).Distinct().Order().Select(status => $"flow.status = {Number(status)} AND {Unusual}")];
        if (common.Length > 0)
        {
            conditions.Add($"flow.status IN ({string.Join(", ", common)})");
        }

        return conditions;
    }

    private static bool IsCommon(FlowStatus status) => status is FlowStatus.Running or FlowStatus.Completed;

    private static string Number(FlowStatus status) => ((int)status).ToString(CultureInfo.InvariantCulture);
}
