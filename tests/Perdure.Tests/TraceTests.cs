using System.Collections.Concurrent;
using System.Diagnostics;

namespace Perdure.Tests;

public class TraceTests
{
    [Fact]
    public async Task A_trace_runs_from_the_start_call_through_each_attempt_also_after_a_crash()
    {
        ConcurrentQueue<Activity> spans = new();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Perdure",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("traced", async (int _, FlowContext flow) =>
        {
            await flow.Step(() => Task.CompletedTask, name: "before");
            await flow.Signal<int>("go", TimeSpan.FromDays(1));
            return await flow.Step(s => s.Attempt < 2 ? throw new IOException("not yet") : Task.FromResult(1), retry: Retry.Fixed(2, TimeSpan.Zero), name: "after");
        }));
        await host.Perdure.Flow<int, int>("traced").StartAsync(0, "1");
        await host.Perdure.Get("traced", "1").UntilAsync(d => d.Asks.Count == 2);

        await using TestHost next = await host.CrashAsync();
        await next.Perdure.Get("traced", "1").SignalAsync(1, "go");
        await next.Perdure.Flow<int, int>("traced").Get("1").ResultAsync().Soon();

        List<Activity> mine = [.. spans.Where(s => (string?)s.GetTagItem("flow.type") == "traced")];
        Activity start = mine.Single(s => s.OperationName == "start traced");
        List<Activity> attempts = [.. mine.Where(s => s.OperationName.StartsWith("step ", StringComparison.Ordinal))];
        attempts.Select(s => s.OperationName).ShouldBe(["step before", "step after", "step after"]);
        attempts.ShouldAllBe(s => s.TraceId == start.TraceId && s.ParentSpanId == start.SpanId);
        attempts.Select(s => s.Status).ShouldBe([ActivityStatusCode.Unset, ActivityStatusCode.Error, ActivityStatusCode.Unset]);
    }
}
