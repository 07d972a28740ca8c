using Perdure.Storage;

namespace Perdure.Testing.Conformance;

/// <summary>What a store keeps of jobs, from their coming until their ends are forgotten, and of their queues.</summary>
internal sealed class JobFacts : JobSuite
{
    public async Task A_job_is_there_with_everything_after_the_store_is_opened_again()
    {
        JobRow full = new(7, 2, "äöü €", "Résumé", At(1))
        {
            Key = "",
            Payload = [1, 2, 3],
            State = new JobState(-5, At(9), 4, [6, 7]),
        };
        JobRow bare = new(8, 2, "mail", "Send", At(2));
        await CommitJobsAsync(2, batch => batch.NewJobs.AddRange([bare, full]));
        await ReopenAsync();

        IReadOnlyList<JobRow> jobs = await ReadJobsAsync(2);
        jobs.Count.ShouldBe(2);
        ShouldBeSame(jobs[0], full with { Payload = null });
        ShouldBeSame(jobs[1], bare);
        (await Store.ReadPayloadsAsync(2, [8, 7, 6], default)).ShouldBe(new byte[]?[] { null, [1, 2, 3], null });
        (await ReadJobsAsync(1)).ShouldBeEmpty();
    }

    public async Task A_jobs_state_is_replaced_and_its_payload_only_where_there_is_a_new_one()
    {
        await CommitJobsAsync(0, batch =>
        {
            batch.NewJobs.AddRange([Job(1), Job(2)]);
            batch.JobUpdates.Add(new JobUpdate(2, new JobState(7), [9, 9]));
        });
        (await ReadJobsAsync())[1].State.ShouldBe(new JobState(7));

        JobState state = new(3, At(50), 2, [8]);
        await CommitJobsAsync(0, batch => batch.JobUpdates.AddRange([new JobUpdate(1, state), new JobUpdate(2, default, [])]));
        IReadOnlyList<JobRow> jobs = await ReadJobsAsync();
        ShouldBeSame(jobs[0], Job(1) with { State = state, Payload = null });
        jobs[1].State.ShouldBe(default);
        (await Store.ReadPayloadsAsync(0, [1, 2], default)).ShouldBe([Job(1).Payload, []]);
    }

    public async Task An_end_takes_the_payload_along_where_it_is_kept_and_the_job_is_gone()
    {
        await CommitJobsAsync(0, batch => batch.NewJobs.AddRange([Job(1), Job(2), Job(3)]));
        await CommitJobsAsync(0, batch =>
        {
            batch.JobUpdates.Add(new JobUpdate(1, new JobState(1), [42]));
            batch.JobEnds.AddRange([End(1) with { KeepsPayload = true }, End(2)]);
            batch.EndedJobs.AddRange([1, 2, 3]);
        });
        await ReopenAsync();

        (await ReadJobsAsync()).ShouldBeEmpty();
        IReadOnlyList<JobEndRow?> ends = await Store.ReadJobEndsAsync(0, [3, 2, 1], default);
        ends[0].ShouldBeNull();
        ShouldBeSame(ends[1].ShouldNotBeNull(), End(2));
        ShouldBeSame(ends[2].ShouldNotBeNull(), End(1) with { KeepsPayload = true });
        (await Store.ReadPayloadsAsync(0, [1, 2, 3], default)).ShouldBe(new byte[]?[] { [42], null, null });
        (await Store.ReadJobEndsAsync(1, [1], default)).ShouldBe([null]);
        (await Store.ReadPayloadsAsync(1, [1], default)).ShouldBe([null]);
    }

    public async Task A_job_may_come_and_end_in_one_batch()
    {
        await CommitJobsAsync(0, batch =>
        {
            batch.NewJobs.Add(Job(1));
            batch.JobUpdates.Add(new JobUpdate(1, new JobState(9)));
            batch.JobEnds.Add(End(1) with { KeepsPayload = true });
            batch.EndedJobs.Add(1);
        });
        (await ReadJobsAsync()).ShouldBeEmpty();
        (await ReadEndAsync(1)).ShouldNotBeNull();
        (await Store.ReadPayloadsAsync(0, [1], default)).ShouldBe([Job(1).Payload]);
    }

    public async Task An_end_says_that_it_keeps_a_payload_only_where_there_was_one()
    {
        await CommitJobsAsync(0, batch =>
        {
            batch.NewJobs.AddRange([Job(1) with { Payload = null }, Job(2) with { Payload = [] }]);
            batch.JobEnds.AddRange([.. new long[] { 1, 2, 3 }.Select(number => End(number) with { KeepsPayload = true })]);
        });
        (await Store.ReadJobEndsAsync(0, [1, 2, 3], default)).Select(end => end!.KeepsPayload).ShouldBe([false, true, false]);
        (await Store.ReadPayloadsAsync(0, [1, 2, 3], default)).ShouldBe(new byte[]?[] { null, [], null });
    }

    public async Task An_end_that_is_written_again_replaces_the_one_before()
    {
        await CommitJobsAsync(0, batch => batch.JobEnds.Add(End(1) with { KeepUntil = At(10), Result = [1] }));
        JobEndRow later = End(1) with { Status = JobStatus.Failed, KeepUntil = At(99), Result = null, Queue = "other" };
        await CommitJobsAsync(0, batch => batch.JobEnds.Add(later));
        ShouldBeSame((await ReadEndAsync(1)).ShouldNotBeNull(), later);
        (await Store.ReadForgettableAsync(0, At(98), 10, default)).ShouldBeEmpty();
        (await ListEndsAsync(new JobFilter())).ShouldBe([1]);
    }

    public async Task Deleting_what_is_not_there_is_no_error()
    {
        await CommitJobsAsync(0, batch =>
        {
            batch.NewJobs.Add(Job(1));
            batch.EndedJobs.AddRange([77, 2]);
            batch.ForgottenJobs.Add(77);
            batch.Memos.Add(new MemoRow("never there", null));
        });
        await CommitJobsAsync(1, batch => batch.EndedJobs.Add(1)); // another shard's
        (await ReadJobsAsync()).Select(job => job.Number).ShouldBe([1]);
    }

    public async Task Jobs_end_and_ends_are_forgotten_in_any_order_and_no_others_go()
    {
        long[] numbers = [long.MinValue, -1, 0, 1, 2, 3, 4, 6, 7, 8, 9, long.MaxValue - 1];
        await CommitJobsAsync(0, batch =>
        {
            batch.NewJobs.AddRange([.. numbers.Select(number => Job(7) with { Number = number })]);
            batch.JobEnds.AddRange([.. numbers.Select(number => End(7) with { Number = number })]);
        });
        await CommitJobsAsync(1, batch =>
        {
            batch.NewJobs.Add(Job(5) with { Shard = 1 });
            batch.JobEnds.Add(End(5) with { Shard = 1 });
        });

        long[] gone = [8, 4, long.MaxValue, 6, 5, 4, 0, long.MaxValue - 1, 1, long.MinValue];
        await CommitJobsAsync(0, batch =>
        {
            batch.EndedJobs.AddRange(gone);
            batch.ForgottenJobs.AddRange(gone);
        });
        (await ListAsync(new JobFilter())).ShouldBe([9, 7, 5, 3, 2, -1]);
        (await ListEndsAsync(new JobFilter())).ShouldBe([9, 7, 5, 3, 2, -1]);
    }

    public async Task Ends_are_forgotten_with_their_payloads_once_they_were_kept_long_enough()
    {
        await CommitJobsAsync(0, batch =>
        {
            batch.NewJobs.Add(Job(4));
            batch.JobEnds.AddRange([.. new[] { 5, 3, 4, 2 }.Select(number => End(number) with { KeepUntil = At(60 - (number * 10)), KeepsPayload = true })]);
            batch.EndedJobs.Add(4);
        });
        await CommitJobsAsync(1, batch => batch.JobEnds.Add(End(9) with { Shard = 1, KeepUntil = At(0) }));
        (await Store.ReadForgettableAsync(0, At(9), 10, default)).ShouldBeEmpty();
        (await Store.ReadForgettableAsync(0, At(30), 10, default)).ShouldBe([5, 4, 3]);
        (await Store.ReadForgettableAsync(0, DateTimeOffset.MaxValue, 2, default)).ShouldBe([5, 4]);
        (await Store.ReadForgettableAsync(0, DateTimeOffset.MaxValue, 0, default)).ShouldBeEmpty();

        await CommitJobsAsync(0, batch => batch.ForgottenJobs.AddRange([4, 5]));
        (await Store.ReadForgettableAsync(0, DateTimeOffset.MaxValue, int.MaxValue, default)).ShouldBe([3, 2]);
        (await ReadEndAsync(4)).ShouldBeNull();
        (await Store.ReadPayloadsAsync(0, [4], default)).ShouldBe([null]);
        (await ListEndsAsync(new JobFilter())).ShouldBe([9, 3, 2]);
    }

    public async Task A_job_that_is_done_again_under_its_number_outlives_the_forgetting_of_its_end()
    {
        await CommitJobsAsync(0, batch => batch.JobEnds.Add(End(1)));
        await CommitJobsAsync(0, batch =>
        {
            batch.NewJobs.Add(Job(1) with { Payload = [5] });
            batch.ForgottenJobs.Add(1);
        });
        (await ReadEndAsync(1)).ShouldBeNull();
        (await Store.ReadPayloadsAsync(0, [1], default)).ShouldBe(new byte[]?[] { [5] });
    }

    public async Task Memos_are_kept_by_shard_in_the_order_of_their_names_until_they_are_forgotten()
    {
        await CommitJobsAsync(1, batch => batch.Memos.AddRange([new MemoRow("b", [2]), new MemoRow("a", []), new MemoRow("B", [3]), new MemoRow("ü", [4])]));
        await CommitJobsAsync(2, batch => batch.Memos.Add(new MemoRow("a", [9])));
        await ReopenAsync();
        IReadOnlyList<MemoRow> memos = await Store.ReadMemosAsync(1, default);
        memos.Select(memo => memo.Name).ShouldBe(["B", "a", "b", "ü"]);
        memos.Select(memo => memo.Value).ShouldBe(new byte[]?[] { [3], [], [2], [4] });
        (await Store.ReadMemosAsync(0, default)).ShouldBeEmpty();

        await TakeAsync();
        await CommitJobsAsync(1, batch => batch.Memos.AddRange([new MemoRow("a", [7]), new MemoRow("b", null)]));
        memos = await Store.ReadMemosAsync(1, default);
        memos.Select(memo => memo.Name).ShouldBe(["B", "a", "ü"]);
        memos[1].Value.ShouldBe([7]);
    }

    public async Task Jobs_are_read_in_pages_in_the_order_of_their_numbers()
    {
        long[] numbers = [.. Enumerable.Range(1, 20).Select(i => i * 3L)];
        await CommitJobsAsync(0, batch => batch.NewJobs.AddRange([.. numbers.Reverse().Select(number => Job(number))]));
        await CommitJobsAsync(1, batch => batch.NewJobs.Add(Job(10) with { Shard = 1 }));
        List<long> paged = [];
        IReadOnlyList<JobRow> page;
        do
        {
            page = await Store.ReadJobsAsync(0, paged.LastOrDefault(), 7, default);
            paged.AddRange(page.Select(job => job.Number));
        }
        while (page.Count == 7 && paged.Count <= numbers.Length); // a store that begins anew each time would never end
        paged.ShouldBe([.. numbers]);
        (await Store.ReadJobsAsync(0, 30, 2, default)).Select(job => job.Number).ShouldBe([33, 36]);
        (await Store.ReadJobsAsync(0, long.MaxValue, 2, default)).ShouldBeEmpty();
        (await Store.ReadJobsAsync(0, 0, 0, default)).ShouldBeEmpty();
    }

    public async Task A_store_has_room_for_jobs_on_a_shard_that_was_made_later()
    {
        ShardLease home = (await Store.TakeShardsAsync([ShardCount], Guid.NewGuid(), default))[0];
        ShardBatch batch = new(home, 1, At(0));
        batch.NewJobs.Add(Job(1) with { Shard = ShardCount });
        batch.JobEnds.Add(End(2) with { Shard = ShardCount });
        (await CommitAsync(batch)).ShouldBe([CommitOutcome.Committed]);
        await ReopenAsync();
        (await ReadJobsAsync(ShardCount)).Single().Shard.ShouldBe(ShardCount);
        (await ListAsync(new JobFilter())).ShouldBe([1]);
        (await ListEndsAsync(new JobFilter())).ShouldBe([2]);
    }

    public async Task Large_jobs_are_kept_whole()
    {
        byte[] large = [.. Enumerable.Range(0, 300_000).Select(i => (byte)i)];
        await CommitJobsAsync(0, batch =>
        {
            batch.NewJobs.AddRange([Job(1) with { Payload = large, State = new JobState(0, More: [.. large, 1]) }, Job(2)]);
            batch.JobEnds.Add(End(1) with { KeepsPayload = true, Result = [.. large, 2], More = [.. large, 3] });
        });
        (await ReadJobsAsync())[0].State.More.ShouldBe([.. large, 1]);
        (await Store.ReadPayloadsAsync(0, [1, 2], default)).ShouldBe([large, Job(2).Payload]);
        await CommitJobsAsync(0, batch => batch.EndedJobs.Add(1));
        (await Store.ReadPayloadsAsync(0, [1], default)).ShouldBe([large]);
        JobEndRow end = (await ReadEndAsync(1)).ShouldNotBeNull();
        end.Result.ShouldBe([.. large, 2]);
        end.More.ShouldBe([.. large, 3]);
    }

    [Case("insert")]
    [Case("insert twice")]
    [Case("update")]
    [Case("update of another shard's job")]
    public async Task A_batch_whose_jobs_cannot_be_written_is_refused_and_nothing_of_its_group_is_written(string fault)
    {
        await CommitJobsAsync(0, batch => batch.NewJobs.AddRange([Job(1), Job(2)]));
        await CommitJobsAsync(1, batch =>
        {
            batch.NewJobs.Add(Job(3) with { Shard = 1 });
            batch.JobEnds.Add(End(4) with { Shard = 1 });
            batch.Memos.Add(new MemoRow("m", [1]));
        });
        ShardBatch good = Batch(0);
        good.NewJobs.Add(Job(5));
        good.JobUpdates.Add(new JobUpdate(1, new JobState(8, More: [8]), [8]));
        good.JobEnds.Add(End(2));
        good.EndedJobs.Add(2);
        good.Memos.Add(new MemoRow("m", [2]));
        ShardBatch bad = Batch(1);
        bad.NewFlows.Add(Flow(1, shard: 1));
        bad.NewJobs.Add(Job(6) with { Shard = 1 });
        bad.ForgottenJobs.Add(4);
        bad.Memos.Add(new MemoRow("m", null));
        AddFault(bad, fault);
        (await CommitAsync(good, bad)).ShouldBe([CommitOutcome.NotNow, CommitOutcome.Refused]);

        (await ListAsync(new JobFilter())).ShouldBe([3, 2, 1]);
        (await ListEndsAsync(new JobFilter())).ShouldBe([4]);
        ShouldBeSame((await ReadJobsAsync())[0], Job(1) with { Payload = null });
        (await Store.ReadPayloadsAsync(0, [1], default)).ShouldBe([Job(1).Payload]);
        (await Store.ReadMemosAsync(0, default)).ShouldBeEmpty();
        (await Store.ReadMemosAsync(1, default)).Single().Value.ShouldBe([1]);
        (await ReadAsync("f1")).ShouldBeNull();
        (await CommitAsync(good)).ShouldBe([CommitOutcome.Committed]);
        (await ListAsync(new JobFilter())).ShouldBe([5, 3, 1]);
    }

    public async Task Jobs_of_a_batch_that_was_fenced_are_not_written()
    {
        ShardBatch fenced = new(Leases[0] with { Epoch = 99 }, 1, At(0));
        fenced.NewJobs.Add(Job(1));
        fenced.JobEnds.Add(End(2));
        fenced.Memos.Add(new MemoRow("m", [1]));
        (await CommitAsync(fenced)).ShouldBe([CommitOutcome.Fenced]);
        (await ListAsync(new JobFilter())).ShouldBeEmpty();
        (await ListEndsAsync(new JobFilter())).ShouldBeEmpty();
        (await Store.ReadMemosAsync(0, default)).ShouldBeEmpty();
    }

    public async Task Nobodys_later_change_of_a_job_reaches_what_is_stored()
    {
        byte[] payload = [1];
        byte[] more = [2];
        JobRow job = Job(1) with { Payload = payload, State = new JobState(1, More: more) };
        await CommitJobsAsync(0, batch =>
        {
            batch.NewJobs.Add(job);
            batch.JobEnds.Add(End(2) with { Result = payload, More = more });
            batch.Memos.Add(new MemoRow("m", payload));
        });
        job.State = default;
        payload[0] = more[0] = 99;
        (await Store.ReadPayloadsAsync(0, [1], default))[0]![0] = 99;
        JobRow read = (await ReadJobsAsync())[0];
        read.State.More![0] = 99;
        read.State = default;
        (await ReadEndAsync(2))!.Result![0] = 99;
        (await Store.ReadMemosAsync(0, default))[0].Value![0] = 99;

        JobRow again = (await ReadJobsAsync())[0];
        again.State.Priority.ShouldBe(1);
        again.State.More.ShouldBe([2]);
        (await Store.ReadPayloadsAsync(0, [1], default)).ShouldBe(new byte[]?[] { [1] });
        (await ReadEndAsync(2))!.Result.ShouldBe([1]);
        (await ReadEndAsync(2))!.More.ShouldBe([2]);
        (await Store.ReadMemosAsync(0, default))[0].Value.ShouldBe([1]);
    }

    private static void AddFault(ShardBatch batch, string fault)
    {
        switch (fault)
        {
            case "insert":
                batch.NewJobs.Add(Job(3) with { Shard = 1 });
                break;
            case "insert twice":
                batch.NewJobs.Add(Job(6) with { Shard = 1 });
                break;
            case "update":
                batch.JobUpdates.Add(new JobUpdate(4, new JobState(1)));
                break;
            default:
                batch.JobUpdates.Add(new JobUpdate(1, new JobState(1)));
                break;
        }
    }
}
