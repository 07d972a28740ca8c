using System.Text.Json;
using Perdure.Engine;
using Perdure.Storage;

namespace Perdure.Tests.Queues;

/// <summary>What is told of jobs: in the log, in the health check, as JSON; and what is kept together of them.</summary>
public class JobReportTests
{
    private static readonly JobOptions Kept = new() { KeepResult = TimeSpan.FromHours(1) };

    [Fact]
    public async Task Each_attempt_that_fails_is_in_the_log_and_a_rejection_is_no_error()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddQueue("work", q => q.Retry = Retry.Fixed(2, TimeSpan.FromMilliseconds(1)))
            .AddHandler<Note>("work", (note, _) => throw (note.Text == "no" ? new RejectedException("not here") : new IOException("no line"))));

        JobHandle failing = await host.Perdure.EnqueueAsync(new Note("later"), Kept);
        JobHandle rejected = await host.Perdure.EnqueueAsync(new Note("no"), Kept);
        await Should.ThrowAsync<JobFailedException>(() => failing.DoneAsync().Soon());
        await Should.ThrowAsync<RejectedException>(() => rejected.DoneAsync().Soon());

        host.Log.Lines.ShouldContain($"Warning: Attempt 1 of job {failing.Id} failed (Transient): no line");
        host.Log.Lines.ShouldContain($"Warning: Attempt 2 of job {failing.Id} failed (Transient): no line");
        host.Log.Lines.ShouldContain(l => l.StartsWith($"Information: Job {rejected.Id} was rejected", StringComparison.Ordinal));
        host.Log.Lines.ShouldNotContain(l => l.StartsWith("Error", StringComparison.Ordinal) && l.Contains(rejected.Id, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Jobs_whose_handler_was_removed_are_reported_at_the_start()
    {
        TestHost host = await TestHost.StartAsync(p => p.AddQueue("work").AddHandler<Note>("work", (_, _) => Task.CompletedTask));
        await host.Perdure.Queue("work").PauseAsync().Soon();
        await host.Perdure.EnqueueAsync(new Note("left"), Kept).Soon();
        await host.DisposeAsync();

        await using TestHost next = await TestHost.StartAsync(p => p.AddQueue("work"), host.Memory);

        next.Log.Lines.ShouldContain("Error: PRD3011: 1 jobs of type note on queue work wait, and no queue, handler or contract for them is registered here");
        next.Node.UnknownJobs.ShouldBe(["note on queue work (1)"]);
    }

    [Fact]
    public async Task Where_things_stand_is_a_name_in_JSON()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddQueue("work").AddHandler<Note>("work", (_, _) => throw new RejectedException("not here"))
            .AddFlow("f", async (int n, FlowContext flow) => await flow.Step(() => Task.FromResult(n), name: "a")));
        JobHandle job = await host.Perdure.EnqueueAsync(new Note("no"), Kept);
        await Should.ThrowAsync<RejectedException>(() => job.DoneAsync().Soon());
        await host.Perdure.Flow<int, int>("f").RunAsync(1, "1").Soon();

        string ofJob = JsonSerializer.Serialize(await job.DescribeAsync(), JsonSerializerOptions.Web);
        string ofFlow = JsonSerializer.Serialize(await host.Perdure.Get("f", "1").DescribeAsync(), JsonSerializerOptions.Web);

        ofJob.ShouldContain("\"status\":\"Failed\"");
        ofJob.ShouldContain("\"kind\":\"Rejected\"");
        ofFlow.ShouldContain("\"status\":\"Completed\"");
    }

    [Fact]
    public void What_is_remembered_of_a_job_stays_with_it_where_a_batch_is_taken_apart()
    {
        var batch = new ShardBatch(new ShardLease(4, 1, Guid.Empty, 0, DateTimeOffset.UnixEpoch, 0, null), 1, DateTimeOffset.UnixEpoch);
        batch.NewJobs.AddRange([Row(1), Row(2), Row(3), Row(4)]);
        batch.Memos.AddRange([new MemoRow("once/a", []), new MemoRow("schedule/s", []), new MemoRow("mode/q", [])]);
        batch.MemosOfJobs.AddRange([("once/a", 1), ("schedule/s", 2), ("schedule/s", 3)]);

        List<(long Run, ShardBatch Part)> parts = [.. BatchParts.ByRun(batch)];

        parts.Select(p => (string.Join(' ', p.Part.NewJobs.Select(j => j.Number)), string.Join(' ', p.Part.Memos.Select(m => m.Name))))
            .ShouldBe([("", "mode/q"), ("1", "once/a"), ("2 3", "schedule/s"), ("4", "")]);

        static JobRow Row(long number) => new(number, 4, "q", "note", DateTimeOffset.UnixEpoch);
    }

    private sealed record Note(string Text) : IJob;
}
