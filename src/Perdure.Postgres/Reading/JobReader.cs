using System.Globalization;
using Npgsql;
using Perdure.Storage;

namespace Perdure.Postgres.Reading;

/// <summary>Reads jobs, their ends and what their homes remember.</summary>
internal sealed class JobReader(Reads reads)
{
    private const string JobColumns = "job.number, job.shard, job.queue, job.type, job.created_at, job.key, job.priority, job.not_before, job.attempts, job.more";

    private const string EndColumns =
        """
        job.number, job.shard, job.queue, job.type, job.status, job.created_at, job.ended_at, job.keep_until, job.key, job.priority, job.attempts,
        job.result, job.more, job.payload IS NOT NULL AS keeps_payload, job.correlation
        """;

    private readonly string _jobs = $"SELECT {JobColumns} FROM {reads.Schema}.job WHERE shard = $1 AND number > $2 ORDER BY number LIMIT $3";

    private readonly string _payloads =
        $"""
        SELECT coalesce(job.payload, job_end.payload)
        FROM (SELECT unnest($2) AS number, generate_series(1, cardinality($2)) AS place) AS asked
            LEFT JOIN {reads.Schema}.job ON job.shard = $1 AND job.number = asked.number
            LEFT JOIN {reads.Schema}.job_end ON job_end.shard = $1 AND job_end.number = asked.number
        ORDER BY asked.place
        """;

    private readonly string _ends = $"SELECT {EndColumns} FROM unnest($2) AS asked(number) JOIN {reads.Schema}.job_end AS job ON job.shard = $1 AND job.number = asked.number";

    private readonly string _forgettable = $"SELECT number FROM {reads.Schema}.job_end WHERE shard = $1 AND keep_until <= $2 ORDER BY keep_until, number LIMIT $3";

    private readonly string _memos = $"SELECT name, value FROM {reads.Schema}.memo WHERE shard = $1 ORDER BY name";

    public async Task<IReadOnlyList<JobRow>> ReadJobsAsync(int shard, long after, int limit, CancellationToken cancellationToken) =>
        await reads.ByIndexAsync(_jobs, ToJob, cancellationToken, Sql.Value(shard), Sql.Value(after), Sql.Value(limit)).ConfigureAwait(false);

    public async Task<IReadOnlyList<byte[]?>> ReadPayloadsAsync(int shard, IReadOnlyList<long> numbers, CancellationToken cancellationToken) =>
        await reads.ByIndexAsync(_payloads, row => row.BytesOrNull(0), cancellationToken, Sql.Value(shard), Sql.Value(numbers.ToArray())).ConfigureAwait(false);

    public async Task<IReadOnlyList<JobEndRow?>> ReadEndsAsync(int shard, IReadOnlyList<long> numbers, CancellationToken cancellationToken)
    {
        List<JobEndRow> ends = await reads.ByIndexAsync(_ends, ToEnd, cancellationToken, Sql.Value(shard), Sql.Value(numbers.Distinct().ToArray())).ConfigureAwait(false);
        Dictionary<long, JobEndRow> byNumber = ends.ToDictionary(end => end.Number);
        return [.. numbers.Select(number => byNumber.GetValueOrDefault(number))];
    }

    public async Task<IReadOnlyList<long>> ReadForgettableAsync(int shard, DateTimeOffset until, int limit, CancellationToken cancellationToken) =>
        await reads.ByIndexAsync(_forgettable, row => row.GetInt64(0), cancellationToken, Sql.Value(shard), Sql.Value(until.UtcDateTime), Sql.Value(limit)).ConfigureAwait(false);

    public async Task<IReadOnlyList<MemoRow>> ReadMemosAsync(int shard, CancellationToken cancellationToken) =>
        await reads.ByIndexAsync(_memos, row => new MemoRow(row.GetString(0), row.Bytes(1)), cancellationToken, Sql.Value(shard)).ConfigureAwait(false);

    /// <summary>Reads a page of a list: jobs before a number, the newest first.</summary>
    public Task<List<JobRow>> ListAsync(JobFilter filter, long before, int limit, CancellationToken cancellationToken)
    {
        Conditions conditions = Of(filter, before).AndText($"{reads.Schema}.correlation_in(job.more) =", filter.Correlation);
        return WalkAsync("job", JobColumns, ToJob, conditions, limit, cancellationToken);
    }

    /// <summary>Reads a page of a list: ends of jobs before a number, the newest first. A queue's dead letters, and a business transaction's ends, are found by their indexes.</summary>
    public Task<List<JobEndRow>> ListEndsAsync(JobFilter filter, long before, int limit, CancellationToken cancellationToken)
    {
        Conditions conditions = Of(filter, before);
        if (filter.Status is { } status)
        {
            conditions.And(string.Create(CultureInfo.InvariantCulture, $"job.status = {(int)status}"));
            _ = status == JobStatus.Completed ? conditions : conditions.And("job.status <> 3");
        }

        if (filter.Correlation is null)
        {
            return WalkAsync("job_end", EndColumns, ToEnd, conditions, limit, cancellationToken);
        }

        conditions.AndCorrelation("job", filter.Correlation);
        string end = $"ORDER BY number DESC LIMIT {conditions.Add(limit)}";
        return reads.AnyWayAsync($"SELECT {EndColumns} FROM {reads.Schema}.job_end AS job WHERE true{conditions} {end}", ToEnd, cancellationToken, conditions.Parameters);
    }

    private static Conditions Of(JobFilter filter, long before)
    {
        Conditions conditions = new();
        return conditions.And($"job.number < {conditions.Add(before)}")
            .AndText("job.queue =", filter.Queue)
            .AndText("job.type =", filter.Type)
            .AndText("job.key =", filter.Key)
            .AndTime("job.created_at >=", filter.CreatedFrom)
            .AndTime("job.created_at <", filter.CreatedBefore);
    }

    /// <summary>Walks each shard from its end. Most often one has all.</summary>
    private Task<List<T>> WalkAsync<T>(string table, string columns, Func<NpgsqlDataReader, T> toRow, Conditions conditions, int limit, CancellationToken cancellationToken)
    {
        string end = $"ORDER BY number DESC LIMIT {conditions.Add(limit)}";
        string sql =
            $"""
            SELECT job.* FROM {reads.Schema}.shard CROSS JOIN LATERAL (
                SELECT {columns} FROM {reads.Schema}.{table} AS job WHERE job.shard = shard.shard{conditions} {end}) AS job
            {end}
            """;
        return reads.AnyWayAsync(sql, toRow, cancellationToken, conditions.Parameters);
    }

    private static JobRow ToJob(NpgsqlDataReader row) => new(row.GetInt64(0), row.GetInt32(1), row.GetString(2), row.GetString(3), row.Time(4))
    {
        Key = row.TextOrNull(5),
        State = new JobState(row.GetInt32(6), row.TimeOrNull(7), row.GetInt32(8), row.BytesOrNull(9)),
    };

    private static JobEndRow ToEnd(NpgsqlDataReader row) => new(
        row.GetInt64(0), row.GetInt32(1), row.GetString(2), row.GetString(3), (JobStatus)row.GetInt16(4), row.Time(5), row.Time(6), row.Time(7))
    {
        Key = row.TextOrNull(8),
        Priority = row.GetInt32(9),
        Attempts = row.GetInt32(10),
        Result = row.BytesOrNull(11),
        More = row.BytesOrNull(12),
        KeepsPayload = row.GetBoolean(13),
        Correlation = row.TextOrNull(14),
    };
}
