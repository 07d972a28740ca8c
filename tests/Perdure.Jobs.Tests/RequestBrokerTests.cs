using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Perdure.Testing;

namespace Perdure.Jobs.Tests;

/// <summary>Ten requests of one page, ten answers, four calls (after K. Alibhai, "Building More Resilient Applications").</summary>
public sealed class RequestBrokerTests
{
    private static readonly (string Url, int Priority)[] Page =
    [
        ("/me", 1), ("/notifs/count", 3), ("/me", 1), ("/me/groups", 4), ("/me", 1),
        ("/posts/top", 2), ("/me", 1), ("/posts/top", 2), ("/notifs/count", 3), ("/me/groups", 4),
    ];

    [Theory]
    [InlineData(1, "/me 0, /posts/top 100, /notifs/count 200, /me/groups 300", 400)]
    [InlineData(2, "/me 0, /posts/top 0, /notifs/count 100, /me/groups 100", 200)]
    [InlineData(4, "/me 0, /posts/top 0, /notifs/count 0, /me/groups 0", 100)]
    [InlineData(6, "/me 0, /posts/top 0, /notifs/count 0, /me/groups 0", 100)]
    public async Task Behind_a_gate_calls_start_in_the_order_of_their_priorities(int slots, string starts, int lastAnswer)
    {
        await using var page = await PageLoad.StartAsync(slots);
        await page.Queue.PauseAsync();
        List<Task> answers = await page.LoadAsync();
        DateTimeOffset opened = page.Test.Now;
        await page.Queue.ResumeAsync();
        await page.Test.AdvanceAsync(TimeSpan.FromSeconds(1));
        await Task.WhenAll(answers);

        page.StartsSince(opened).ShouldBe(starts);
        page.LastAnswerSince(opened).ShouldBe(lastAnswer);
        page.Calls.ShouldBe(4);
    }

    [Theory]
    [InlineData(1, "/me 0, /posts/top 100, /notifs/count 200, /me/groups 300", 400)]
    [InlineData(2, "/me 0, /notifs/count 1, /posts/top 100, /me/groups 101", 201)]
    [InlineData(6, "/me 0, /notifs/count 1, /me/groups 3, /posts/top 5", 105)]
    public async Task Without_a_gate_calls_start_as_slots_are_free(int slots, string starts, int lastAnswer)
    {
        await using var page = await PageLoad.StartAsync(slots);
        DateTimeOffset opened = page.Test.Now;
        List<Task> answers = await page.LoadAsync();
        await page.Test.AdvanceAsync(TimeSpan.FromSeconds(1));
        await Task.WhenAll(answers);

        page.StartsSince(opened).ShouldBe(starts);
        page.LastAnswerSince(opened).ShouldBe(lastAnswer);
        page.Calls.ShouldBe(4);
    }

    [Fact]
    public async Task Without_keys_and_priorities_ten_calls_are_made_six_then_four()
    {
        await using var page = await PageLoad.StartAsync(slots: 6, isBrokered: false);
        DateTimeOffset opened = page.Test.Now;
        List<Task> answers = await page.LoadAsync(hasPriorities: false);
        await page.Test.AdvanceAsync(TimeSpan.FromSeconds(1));
        await Task.WhenAll(answers);

        page.StartsSince(opened).ShouldBe("/me 0, /notifs/count 1, /me 2, /me/groups 3, /me 4, /posts/top 5, /me 100, /posts/top 101, /notifs/count 102, /me/groups 103");
        page.LastAnswerSince(opened).ShouldBe(203);
    }

    private sealed class PageLoad : IAsyncDisposable
    {
        private readonly List<(string Url, DateTimeOffset At)> _starts = [];
        private readonly List<DateTimeOffset> _ends = [];

        public FlowTest Test { get; private set; } = null!;

        public QueueHandle Queue => Test.Perdure.Queue("requests");

        public int Calls => _starts.Count;

        public static async Task<PageLoad> StartAsync(int slots, bool isBrokered = true)
        {
            var page = new PageLoad();
            page.Test = await FlowTest.StartAsync(services => services.AddPerdure(p => p
                .UseMemory()
                .AddQueue("requests", q => q.Concurrency = slots)
                .AddJob<Request>("requests", j => j.DedupKey = isBrokered ? r => r.Url : null)
                .AddHandler<Request, string>("requests", page.CallAsync)), new FlowTestOptions { Time = TestTime.ByHand });
            return page;
        }

        /// <summary>Makes the ten requests, a millisecond apart; their answers come later.</summary>
        public async Task<List<Task>> LoadAsync(bool hasPriorities = true)
        {
            List<Task> answers = [];
            foreach ((string url, int priority) in Page)
            {
                answers.Add((await Test.Perdure.EnqueueAsync(new Request(url), new JobOptions { Priority = hasPriorities ? priority : 0 })).ResultAsync());
                await Test.AdvanceAsync(TimeSpan.FromMilliseconds(1));
            }

            return answers;
        }

        public string StartsSince(DateTimeOffset opened)
            => string.Join(", ", _starts.Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Url} {(s.At - opened).TotalMilliseconds:0}")));

        public double LastAnswerSince(DateTimeOffset opened) => Math.Round((_ends.Max() - opened).TotalMilliseconds);

        public ValueTask DisposeAsync() => Test.DisposeAsync();

        private async Task<string> CallAsync(Request request, JobContext job)
        {
            _starts.Add((request.Url, Test.Now));
            await Task.Delay(TimeSpan.FromMilliseconds(100), Test.Services.GetRequiredService<TimeProvider>(), job);
            _ends.Add(Test.Now);
            return $"the answer of {request.Url}";
        }
    }
}
