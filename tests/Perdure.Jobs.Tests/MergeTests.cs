using Perdure.Testing;

namespace Perdure.Jobs.Tests;

public sealed class MergeTests
{
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);

    [Fact]
    public async Task A_job_that_waits_for_its_next_attempt_is_replaced_as_one_that_waits_for_its_first()
    {
        await using Wishes wishes = await Wishes.StartAsync(Dedup.Replace, _ => throw new IOException("down"));
        JobHandle first = await wishes.WantAsync(1, true);

        JobHandle second = await wishes.WantAsync(2, true);

        second.Id.ShouldBe(first.Id);
        second.Enqueued.ShouldBe(Enqueued.Replaced);
        wishes.Works = true;
        await wishes.Test.AdvanceAsync(TimeSpan.FromMinutes(1));
        wishes.Done.ShouldBe([2]);
    }

    [Fact]
    public async Task Two_that_undo_each_other_are_dropped_where_nothing_can_have_been_done()
    {
        await using Wishes wishes = await Wishes.StartAsync(Dedup.Replace, _ => throw new IOException("down"));
        JobHandle first = await wishes.WantAsync(1, true);

        NowOrLater<int> second = await wishes.Test.Perdure.TryNowAsync(new Wish(2, false), TimeSpan.FromMilliseconds(200));

        second.IsDropped.ShouldBeTrue();
        second.IsAccepted.ShouldBeFalse();
        second.Job!.Id.ShouldBe(first.Id);
        (await first.DescribeAsync()).Status.ShouldBe(JobStatus.Cancelled);
        await wishes.Test.AdvanceAsync(TimeSpan.FromMinutes(1));
        wishes.Attempts.ShouldBe(1);
    }

    [Fact]
    public async Task One_that_undoes_what_may_have_been_done_takes_its_place()
    {
        await using Wishes wishes = await Wishes.StartAsync(Dedup.Replace, _ => throw new TimeoutException("no answer"));
        JobHandle first = await wishes.WantAsync(1, true);

        JobHandle second = await wishes.WantAsync(2, false);

        second.Id.ShouldBe(first.Id);
        second.Enqueued.ShouldBe(Enqueued.Replaced);
        wishes.Works = true;
        await wishes.Test.AdvanceAsync(TimeSpan.FromMinutes(1));
        wishes.Done.ShouldBe([2]);
    }

    [Fact]
    public async Task One_that_wants_no_more_joins_the_one_that_runs_and_one_that_does_comes_after_it()
    {
        await using Wishes wishes = await Wishes.StartAsync(Dedup.ReplaceOrJoin, job => Task.Delay(TimeSpan.FromSeconds(1), job.Get<TimeProvider>(), job));
        wishes.Works = true;
        JobHandle first = await wishes.WantAsync(1, true);

        JobHandle same = await wishes.WantAsync(1, true);
        JobHandle later = await wishes.WantAsync(2, true);

        same.Id.ShouldBe(first.Id);
        same.Enqueued.ShouldBe(Enqueued.Joined);
        later.Id.ShouldNotBe(first.Id);
        await wishes.Test.AdvanceAsync(TimeSpan.FromMinutes(1));
        wishes.Done.ShouldBe([1, 2]);
    }

    [Fact]
    public async Task One_that_stands_keeps_its_back_off()
    {
        await using Wishes wishes = await Wishes.StartAsync(Dedup.Replace, _ => throw new IOException("down"));
        JobHandle first = await wishes.WantAsync(5, true);
        DateTimeOffset? next = (await first.DescribeAsync()).NotBefore;

        JobHandle late = await wishes.WantAsync(4, false);

        late.Enqueued.ShouldBe(Enqueued.Joined);
        (await first.DescribeAsync()).ShouldSatisfyAllConditions(j => j.NotBefore.ShouldBe(next), j => j.Attempts.ShouldBe(1));
        wishes.Works = true;
        await wishes.Test.AdvanceAsync(TimeSpan.FromMinutes(1));
        wishes.Done.ShouldBe([5]);
    }

    /// <summary>On or off, and the larger number wins.</summary>
    private sealed record Wish(int Seq, bool On) : IJob<int>;

    private sealed class Wishes : IAsyncDisposable
    {
        public FlowTest Test { get; private set; } = null!;

        /// <summary>Whether attempts succeed, after what is done in each.</summary>
        public bool Works { get; set; }

        public int Attempts { get; private set; }

        public List<int> Done { get; } = [];

        public static async Task<Wishes> StartAsync(Dedup dedup, Func<JobContext, Task> attempt)
        {
            var wishes = new Wishes();
            wishes.Test = await FlowTest.StartAsync(services => services.AddPerdure(p => p
                .UseMemory()
                .AddQueue("wishes", q => q.InOrder = true)
                .AddJob<Wish>("wishes", j =>
                {
                    j.Key = j.DedupKey = _ => "one";
                    j.Dedup = dedup;
                    j.Merge = (waiting, added) => added.Seq <= waiting.Seq ? waiting : added.On == waiting.On ? added : null;
                })
                .AddHandler<Wish, int>("wishes", (wish, job) => wishes.HandleAsync(wish, job, attempt))), new FlowTestOptions { Time = TestTime.ByHand });
            return wishes;
        }

        public async Task<JobHandle> WantAsync(int seq, bool on)
        {
            JobHandle handle = await Test.Perdure.EnqueueAsync((IJob)new Wish(seq, on));
            await Test.AdvanceAsync(Moment);
            return handle;
        }

        public ValueTask DisposeAsync() => Test.DisposeAsync();

        private async Task<int> HandleAsync(Wish wish, JobContext job, Func<JobContext, Task> attempt)
        {
            Attempts++;
            try
            {
                await attempt(job);
            }
            catch (Exception) when (Works)
            {
                // it has come back
            }

            Done.Add(wish.Seq);
            return wish.Seq;
        }
    }
}
