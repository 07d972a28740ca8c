using Perdure.Storage;

namespace Perdure.Testing.Conformance;

/// <summary>What every group of facts about jobs begins with.</summary>
internal abstract class JobSuite : StoreSuite
{
    /// <summary>A job with a payload.</summary>
    protected static JobRow Job(long number, string queue = "mail", string type = "Send") => new(number, 0, queue, type, At(number))
    {
        Payload = [1, (byte)number],
        State = new JobState(1),
    };

    /// <summary>The end of a job that is done, with something in each column.</summary>
    protected static JobEndRow End(long number, string queue = "mail", string type = "Send") =>
        new(number, 0, queue, type, JobStatus.Completed, At(number), At(number + 20), At(number + 40))
        {
            Key = "key",
            Priority = 2,
            Attempts = 3,
            Result = [4],
            More = [5],
            Correlation = "order 1",
        };

    /// <summary>Compares rows with what their arrays hold.</summary>
    protected static void ShouldBeSame(JobRow actual, JobRow expected)
    {
        actual.Payload.ShouldBe(expected.Payload);
        actual.State.More.ShouldBe(expected.State.More);
        (actual with { Payload = null, State = actual.State with { More = null } })
            .ShouldBe(expected with { Payload = null, State = expected.State with { More = null } });
    }

    /// <summary>Compares rows with what their arrays hold.</summary>
    protected static void ShouldBeSame(JobEndRow actual, JobEndRow expected)
    {
        actual.Result.ShouldBe(expected.Result);
        actual.More.ShouldBe(expected.More);
        (actual with { Result = null, More = null }).ShouldBe(expected with { Result = null, More = null });
    }

    /// <summary>Lists the numbers of jobs that have not ended.</summary>
    protected async Task<IEnumerable<long>> ListAsync(JobFilter filter) => (await RowsAsync(Store.ListJobsAsync(filter, default))).Select(job => job.Number);

    /// <summary>Lists the numbers of jobs whose ends are kept.</summary>
    protected async Task<IEnumerable<long>> ListEndsAsync(JobFilter filter) => (await RowsAsync(Store.ListJobEndsAsync(filter, default))).Select(end => end.Number);

    /// <summary>Reads all jobs of a shard.</summary>
    protected Task<IReadOnlyList<JobRow>> ReadJobsAsync(int shard = 0) => Store.ReadJobsAsync(shard, long.MinValue, int.MaxValue, default);

    /// <summary>Reads one end of shard 0; null where there is none.</summary>
    protected async Task<JobEndRow?> ReadEndAsync(long number) => (await Store.ReadJobEndsAsync(0, [number], default)).Single();

    /// <summary>Commits a batch of a shard that must be taken.</summary>
    protected Task CommitJobsAsync(int shard, Action<ShardBatch> fill) => MustCommitAsync(shard, fill);
}
