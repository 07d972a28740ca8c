using Perdure.Storage;

namespace Perdure.Testing.Conformance;

/// <summary>What a store says of many jobs.</summary>
internal sealed class JobListFacts : JobSuite
{
    public async Task Jobs_are_listed_newest_first_by_every_condition()
    {
        await CommitJobsAsync(1, batch => batch.NewJobs.AddRange([Job(1, "mail") with { Shard = 1 }, Job(6, "mail", "Move") with { Shard = 1 }]));
        await CommitJobsAsync(0, batch => batch.NewJobs.AddRange(
            [Job(2, "print") with { Key = "k" }, Job(3, "mail") with { Key = "k" }, Job(4, "mail", "Move"), Job(5, "mail") with { Key = "" }]));
        foreach ((JobFilter filter, long[] expected) in Filters())
        {
            (await ListAsync(filter)).ShouldBe(expected, filter.ToString());
        }

        (await ListAsync(new JobFilter { Status = JobStatus.Completed })).ShouldBe([6, 5, 4, 3, 2, 1]);
        List<JobRow> rows = await RowsAsync(Store.ListJobsAsync(new JobFilter { Limit = 1 }, default));
        ShouldBeSame(rows.Single(), Job(6, "mail", "Move") with { Shard = 1, Payload = null });
    }

    public async Task Ends_are_listed_newest_job_first_by_every_condition()
    {
        await CommitJobsAsync(1, batch => batch.JobEnds.AddRange([End(1, "mail") with { Shard = 1 }, End(6, "mail", "Move") with { Shard = 1 }]));
        await CommitJobsAsync(0, batch => batch.JobEnds.AddRange(
            [End(2, "print") with { Key = "k" }, End(3, "mail") with { Key = "k" }, End(4, "mail", "Move"), End(5, "mail") with { Key = "" }]));
        foreach ((JobFilter filter, long[] expected) in Filters())
        {
            (await ListEndsAsync(filter)).ShouldBe(expected, filter.ToString());
        }

        List<JobEndRow> rows = await RowsAsync(Store.ListJobEndsAsync(new JobFilter { Limit = 1 }, default));
        ShouldBeSame(rows.Single(), End(6, "mail", "Move") with { Shard = 1 });
    }

    [Case(JobStatus.Completed)]
    [Case(JobStatus.Failed)]
    [Case(JobStatus.Cancelled)]
    [Case(JobStatus.Waiting)]
    public async Task Ends_are_listed_by_how_the_jobs_ended(JobStatus status)
    {
        JobStatus[] statuses = [JobStatus.Completed, JobStatus.Failed, JobStatus.Cancelled];
        JobEndRow[] ends = [.. Enumerable.Range(1, 30).Select(i => End(i, i % 2 == 0 ? "even" : "odd") with { Status = statuses[i % 3] })];
        await CommitJobsAsync(0, batch => batch.JobEnds.AddRange(ends));
        (await ListEndsAsync(new JobFilter { Status = status })).ShouldBe(
            ends.Where(end => end.Status == status).Select(end => end.Number).Reverse());
        (await ListEndsAsync(new JobFilter { Status = status, Queue = "even", Limit = 3 })).ShouldBe(
            ends.Where(end => end.Status == status && end.Queue == "even").Select(end => end.Number).Reverse().Take(3));
    }

    public async Task Jobs_are_listed_by_the_business_transaction_that_their_state_names()
    {
        byte[]?[] states =
        [
            """{"correlation":"o1"}"""u8.ToArray(),
            """{"attempts":[1],"correlation":"o1","progress":{"correlation":"o2"}}"""u8.ToArray(),
            """{"correlation":"\u00e4\u00f6"}"""u8.ToArray(),
            """{"progress":{"correlation":"o1"}}"""u8.ToArray(),
            """["o1"]"""u8.ToArray(),
            """{"correlation":1}"""u8.ToArray(),
            [1, 2],
            [],
            null,
        ];
        await CommitJobsAsync(0, batch => batch.NewJobs.AddRange([.. states.Select((more, i) => Job(i + 1) with { State = new JobState(1, More: more) })]));
        await CommitJobsAsync(1, batch => batch.NewJobs.Add(Job(20, "print") with { Shard = 1, State = new JobState(1, More: states[0]) }));
        (await ListAsync(new JobFilter { Correlation = "o1" })).ShouldBe([20, 2, 1]);
        (await ListAsync(new JobFilter { Correlation = "o1", Queue = "mail", Limit = 1 })).ShouldBe([2]);
        (await ListAsync(new JobFilter { Correlation = "äö" })).ShouldBe([3]);
        (await ListAsync(new JobFilter { Correlation = "1" })).ShouldBeEmpty();
        (await ListAsync(new JobFilter { Correlation = "" })).ShouldBeEmpty();
    }

    public async Task Ends_are_listed_by_their_business_transaction()
    {
        await CommitJobsAsync(0, batch => batch.JobEnds.AddRange(
        [
            End(1) with { Correlation = "o1" },
            End(2) with { Correlation = "o1", Status = JobStatus.Failed },
            End(3) with { Correlation = null, More = """{"correlation":"o1"}"""u8.ToArray() },
            End(4) with { Correlation = "", Status = JobStatus.Failed },
        ]));
        await CommitJobsAsync(1, batch => batch.JobEnds.Add(End(20, "print") with { Shard = 1, Correlation = "o1" }));
        (await ListEndsAsync(new JobFilter { Correlation = "o1" })).ShouldBe([20, 2, 1]);
        (await ListEndsAsync(new JobFilter { Correlation = "o1", Queue = "mail" })).ShouldBe([2, 1]);
        (await ListEndsAsync(new JobFilter { Correlation = "o1", Queue = "mail", Status = JobStatus.Failed })).ShouldBe([2]);
        (await ListEndsAsync(new JobFilter { Correlation = "" })).ShouldBe([4]);
        (await ListEndsAsync(new JobFilter { Correlation = "o2" })).ShouldBeEmpty();
    }

    public async Task Long_lists_of_jobs_are_whole()
    {
        int[] numbers = [.. Enumerable.Range(1, 1_000)];
        for (int shard = 0; shard < 2; shard++)
        {
            await CommitJobsAsync(shard, batch =>
            {
                batch.NewJobs.AddRange(numbers.Where(number => number % 2 == shard).Select(number => Job(number) with { Shard = shard }));
                batch.JobEnds.AddRange(numbers.Where(number => number % 2 == shard).Select(number => End(number) with { Shard = shard }));
            });
        }

        IEnumerable<long> newestFirst = numbers.Reverse().Select(number => (long)number);
        (await ListAsync(new JobFilter { Limit = 2_000 })).ShouldBe(newestFirst);
        (await ListEndsAsync(new JobFilter { Limit = 2_000 })).ShouldBe(newestFirst);
        (await ListAsync(new JobFilter { Limit = 600 })).ShouldBe(newestFirst.Take(600));
        (await ListEndsAsync(new JobFilter { Limit = 600 })).ShouldBe(newestFirst.Take(600));
    }

    /// <summary>Filters, and which of the jobs 1 to 6 of the facts about listing they let through.</summary>
    private static (JobFilter Filter, long[] Expected)[] Filters() =>
    [
        (new JobFilter(), [6, 5, 4, 3, 2, 1]),
        (new JobFilter { Queue = "mail" }, [6, 5, 4, 3, 1]),
        (new JobFilter { Queue = "Mail" }, []),
        (new JobFilter { Type = "Move" }, [6, 4]),
        (new JobFilter { Key = "k" }, [3, 2]),
        (new JobFilter { Key = "" }, [5]),
        (new JobFilter { Queue = "mail", Type = "Send", Key = "k" }, [3]),
        (new JobFilter { CreatedFrom = At(2), CreatedBefore = At(5) }, [4, 3, 2]),
        (new JobFilter { CreatedFrom = At(2).AddTicks(1), CreatedBefore = At(5).AddTicks(1) }, [5, 4, 3]),
        (new JobFilter { Queue = "mail", CreatedBefore = At(4), Limit = 1 }, [3]),
        (new JobFilter { Limit = 3 }, [6, 5, 4]),
        (new JobFilter { Limit = 0 }, []),
    ];
}
