using System.Text;
using Npgsql;
using Perdure.Storage;

namespace Perdure.Postgres.Reading;

/// <summary>Lists and counts flows: unusual runs (stuck, failed) and those of a business transaction by their indexes, the others by walking each shard's newest runs.</summary>
internal sealed class FlowLister(Reads reads)
{
    private const string Unusual = "flow.status NOT IN (0, 3)";

    /// <summary>Reads a page of a list: runs before a number, the newest first.</summary>
    public Task<List<FlowRow>> ListAsync(FlowFilter filter, long before, int limit, CancellationToken cancellationToken)
    {
        Conditions conditions = new(filter);
        string run = conditions.Of("flow.run <", before);
        string most = conditions.Add(limit);
        string end = $"ORDER BY run DESC LIMIT {most}";
        List<string> branches = [];
        foreach (string status in conditions.Statuses)
        {
            branches.Add(filter.Correlation is not null || status.Contains(Unusual, StringComparison.Ordinal)
                ? $"(SELECT {FlowReader.FlowColumns} FROM {reads.Schema}.flow WHERE {run}{status}{conditions} {end})"
                : $"""
                  (SELECT flow.* FROM {reads.Schema}.shard CROSS JOIN LATERAL (
                      SELECT {FlowReader.FlowColumns} FROM {reads.Schema}.flow WHERE flow.shard = shard.shard AND {run}{status}{conditions} {end}) AS flow
                  {end})
                  """);
        }

        return reads.AnyWayAsync($"SELECT * FROM ({string.Join(" UNION ALL ", branches)}) AS flow {end}", FlowReader.ToFlow, cancellationToken, conditions.Parameters);
    }

    public async Task<long> CountAsync(FlowFilter filter, CancellationToken cancellationToken)
    {
        Conditions conditions = new(filter);
        string most = conditions.Add(Math.Max(0L, filter.Limit ?? long.MaxValue));
        IEnumerable<string> branches = conditions.Statuses.Select(status => $"SELECT 1 FROM {reads.Schema}.flow WHERE true{status}{conditions}");
        string sql = $"SELECT count(*) FROM ({string.Join(" UNION ALL ", branches)} LIMIT {most}) AS flow";
        return (await reads.AnyWayAsync(sql, row => row.GetInt64(0), cancellationToken, conditions.Parameters).ConfigureAwait(false))[0];
    }

    /// <summary>A filter as SQL.</summary>
    private sealed class Conditions
    {
        private readonly List<NpgsqlParameter> _parameters = [];
        private readonly string _text;

        public Conditions(FlowFilter filter)
        {
            StringBuilder text = new();
            _ = filter.Type is { } type ? text.Append($" AND {Of("flow.type =", type)}") : text;
            _ = filter.StartedFrom is { } from ? text.Append($" AND {Of("flow.created_at >=", Row.Bound(from))}") : text;
            _ = filter.StartedBefore is { } before ? text.Append($" AND {Of("flow.created_at <", Row.Bound(before))}") : text;
            if (filter.Correlation is { } correlation)
            {
                string parameter = Add(correlation);
                text.Append($" AND flow.correlation = {parameter} AND hashtextextended(flow.correlation, 0) = hashtextextended({parameter}, 0)");
            }

            _text = text.ToString();
            Statuses = StatusesOf(filter);
        }

        /// <summary>Conditions on the status, of which one at most holds for a run: what each finds comes from an index of its own.</summary>
        public List<string> Statuses { get; }

        public NpgsqlParameter[] Parameters => [.. _parameters];

        public string Add<T>(T value)
        {
            _parameters.Add(Reads.Value(value));
            return $"${_parameters.Count}";
        }

        public string Of<T>(string comparison, T value) => $"{comparison} {Add(value)}";

        public override string ToString() => _text;

        private static List<string> StatusesOf(FlowFilter filter)
        {
            if (filter.Statuses is not { Count: > 0 } statuses)
            {
                return [""];
            }

            string[] common = [.. statuses.Where(IsCommon).Distinct().Order().Select(Number)];
            string[] unusual = [.. statuses.Where(status => !IsCommon(status)).Distinct().Order().Select(Number)];
            List<string> conditions = [.. unusual.Select(status => $" AND flow.status = {status} AND {Unusual}")];
            if (common.Length > 0)
            {
                conditions.Add($" AND flow.status IN ({string.Join(", ", common)})");
            }

            return conditions;
        }

        private static bool IsCommon(FlowStatus status) => status is FlowStatus.Running or FlowStatus.Completed;

        private static string Number(FlowStatus status) => ((int)status).ToString(System.Globalization.CultureInfo.InvariantCulture);
    }
}
