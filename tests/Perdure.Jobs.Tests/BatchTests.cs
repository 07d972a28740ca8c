using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.DependencyInjection;
using Perdure.Diagnostics;
using Perdure.Testing;

namespace Perdure.Jobs.Tests;

public sealed class BatchTests
{
    [Fact]
    public async Task Each_job_of_a_batch_has_its_own_outcome()
    {
        var mailer = new Mailer { Send = mail => mail.Name == "b" && mail.Attempt == 1 ? new IOException("busy") : mail.Name == "c" ? new RejectedException("no such address") : null };
        await using FlowTest test = await StartAsync(mailer);
        List<JobHandle> jobs = await EnqueueAsync(test, "a", "b", "c");

        await test.IdleAsync();

        mailer.Batches.ShouldBe(["a b c", "b"]);
        (await jobs[2].DescribeAsync()).Error!.Message.ShouldBe("no such address");
        await Should.ThrowAsync<JobNotFoundException>(() => jobs[0].DescribeAsync()); // done, with nothing to keep
    }

    [Fact]
    public async Task A_batch_is_no_larger_than_its_queue_says()
    {
        var mailer = new Mailer();
        await using FlowTest test = await StartAsync(mailer, max: 2);

        await EnqueueAsync(test, "a", "b", "c", "d", "e");
        await test.IdleAsync();

        mailer.Batches.ShouldBe(["a b", "c d", "e"]);
    }

    [Fact]
    public async Task When_a_batch_throws_those_without_an_outcome_are_tried_again()
    {
        var mailer = new Mailer { Send = mail => mail.Name == "a" ? new RejectedException("no") : null, ThrowsOnce = true };
        await using FlowTest test = await StartAsync(mailer);

        List<JobHandle> jobs = await EnqueueAsync(test, "a", "b", "c");
        await test.IdleAsync();

        mailer.Batches[0].ShouldBe("a b c");
        mailer.Batches.Skip(1).SelectMany(b => b.Split(' ')).Order().ShouldBe(["b", "c"]);
        (await jobs[0].DescribeAsync()).Error!.Kind.ShouldBe(ErrorKind.Rejected);
    }

    [Fact]
    public async Task One_that_cannot_be_read_does_not_spoil_the_others()
    {
        var mailer = new Mailer();
        await using FlowTest test = await StartAsync(mailer);
        List<JobHandle> jobs = [.. await test.Perdure.EnqueueManyAsync([new Mail("a"), new Mail(Mail.Poison), new Mail("c")])];

        await test.IdleAsync();

        mailer.Batches.ShouldBe(["a c"]);
        (await jobs[1].DescribeAsync()).Error!.Code.ShouldBe(ErrorCodes.StepFailed);
    }

    [Fact]
    public async Task A_batch_of_which_none_can_be_read_is_not_begun()
    {
        var mailer = new Mailer();
        await using FlowTest test = await StartAsync(mailer);
        await test.Perdure.EnqueueAsync(new Mail(Mail.Poison));

        await test.IdleAsync();

        mailer.Batches.ShouldBeEmpty();
    }

    [Fact]
    public async Task One_that_is_cancelled_in_a_batch_ends_cancelled_and_the_others_are_done()
    {
        var mailer = new Mailer { Takes = TimeSpan.FromSeconds(10) };
        await using FlowTest test = await StartAsync(mailer, time: TestTime.ByHand);
        List<JobHandle> jobs = await EnqueueAsync(test, "a", "b", "c");
        await test.AdvanceAsync(TimeSpan.FromSeconds(1));
        List<Task> ends = jobs.ConvertAll(j => j.DoneAsync());

        await test.Perdure.Job(jobs[1].Id).CancelAsync();
        await test.AdvanceAsync(TimeSpan.FromSeconds(20));

        await ends[0];
        await Should.ThrowAsync<JobCancelledException>(() => ends[1]);
        await ends[2];
        mailer.Cancelled.ShouldBe(0);
    }

    [Fact]
    public async Task When_all_of_a_batch_are_cancelled_its_token_is()
    {
        var mailer = new Mailer { Takes = TimeSpan.FromHours(1) };
        await using FlowTest test = await StartAsync(mailer, time: TestTime.ByHand);
        List<JobHandle> jobs = await EnqueueAsync(test, "a", "b");
        await test.AdvanceAsync(TimeSpan.FromSeconds(1));

        (await test.Perdure.CancelJobsAsync(new JobFilter { Queue = "mails" })).ShouldBe(2);
        await test.AdvanceAsync(TimeSpan.FromSeconds(1));

        mailer.Cancelled.ShouldBe(1);
        await Should.ThrowAsync<JobNotFoundException>(() => jobs[0].DescribeAsync());
    }

    [Fact]
    public async Task A_batch_that_a_crash_ended_is_done_again()
    {
        var mailer = new Mailer { Takes = TimeSpan.FromSeconds(10) };
        await using FlowTest test = await StartAsync(mailer, time: TestTime.ByHand);
        await EnqueueAsync(test, "a", "b");
        await test.AdvanceAsync(TimeSpan.FromSeconds(1));

        await test.CrashAsync();
        await test.AdvanceAsync(TimeSpan.FromSeconds(20));

        mailer.Batches.ShouldBe(["a b", "a b"]);
        (await test.Perdure.Queue("mails").StatsAsync()).ShouldSatisfyAllConditions(s => s.Waiting.ShouldBe(0), s => s.Running.ShouldBe(0));
    }

    private static async Task<List<JobHandle>> EnqueueAsync(FlowTest test, params string[] names)
        => [.. await test.Perdure.EnqueueManyAsync(names.Select(n => new Mail(n)), new JobOptions { KeepResult = TimeSpan.Zero })];

    private static Task<FlowTest> StartAsync(Mailer mailer, int max = 100, TestTime time = TestTime.MovesByItself)
        => FlowTest.StartAsync(services => services
            .AddSingleton(mailer)
            .AddPerdure(p => p
                .UseMemory()
                .AddQueue("mails", q =>
                {
                    q.BatchMax = max;
                    q.KeepResults = TimeSpan.Zero;
                })
                .AddHandler<MailHandler>("mails")), new FlowTestOptions { Time = time });

    private sealed class Mailer
    {
        public List<string> Batches { get; } = [];

        public Func<(string Name, int Attempt), Exception?> Send { get; init; } = _ => null;

        public TimeSpan Takes { get; init; }

        public bool ThrowsOnce { get; set; }

        public int Cancelled { get; set; }
    }

    private sealed class MailHandler(Mailer mailer, TimeProvider time) : IBatchHandler<Mail>
    {
        public async Task HandleAsync(IReadOnlyList<BatchedJob<Mail>> jobs, CancellationToken cancellationToken)
        {
            mailer.Batches.Add(string.Join(' ', jobs.Select(j => j.Job.Name)));
            try
            {
                await Task.Delay(mailer.Takes, time, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                mailer.Cancelled++;
                throw;
            }

            foreach (BatchedJob<Mail> job in jobs)
            {
                if (mailer.Send((job.Job.Name, job.Context.Attempt)) is { } error)
                {
                    job.Fail(error);
                }
            }

            if (mailer.ThrowsOnce)
            {
                mailer.ThrowsOnce = false;
                throw new IOException("the connection is gone");
            }
        }
    }

    /// <summary>A job of which one kind can be written and not read.</summary>
    private sealed record Mail : IJob
    {
        public const string Poison = "poison";

        private readonly string _name = "";

        public Mail(string name)
        {
            _name = name;
        }

        [JsonConstructor]
        private Mail()
        {
        }

        public string Name
        {
            get => _name;
            init => _name = value != Poison ? value : throw new JsonException("it cannot be read");
        }
    }
}
