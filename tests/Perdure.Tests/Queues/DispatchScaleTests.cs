using System.Diagnostics;
using Perdure.Queues;
using Xunit.Abstractions;

namespace Perdure.Tests.Queues;

/// <summary>Tests that measure the process's memory: no other runs beside them.</summary>
[CollectionDefinition("alone", DisableParallelization = true)]
public class Alone;

/// <summary>A million jobs wait. Bounds are wide: these machines are slow and shared; what they find is a cost that grows with the number of jobs.</summary>
[Collection("alone")]
public class DispatchScaleTests(ITestOutputHelper output)
{
    private const int Jobs = 1_000_000;
    private const int Questions = 20_000;

    private static readonly DateTimeOffset Start = new(2026, 3, 27, 12, 0, 0, TimeSpan.Zero);

    /// <summary>A key for each job costs the most.</summary>
    private const double BytesMax = 160;

    [Theory]
    [InlineData("no keys", 0)]
    [InlineData("all under one key that is full", 1)]
    [InlineData("a hundred thousand keys", 100_000)]
    [InlineData("a key for each", Jobs)]
    public void A_million_waiting_jobs_cost_little_memory_and_no_time(string about, int keys)
    {
        var dispatcher = new Dispatcher(Start);
        dispatcher.SetQueue("q", keys == 0 ? new() { Concurrency = 1 } : new() { Concurrency = null, ConcurrencyPerKey = 1, RatePerKey = new Rate(1, TimeSpan.FromSeconds(1)), FairKeys = keys > 1 }, null);
        dispatcher.SetQueue("idle", new(), null);
        string[] names = [.. Enumerable.Range(0, keys).Select(k => $"key {k}")];
        Job[] jobs = [.. Enumerable.Range(0, Jobs).Select(i => new Job(i, "q", "t") { Key = keys == 0 ? null : names[i % keys], Priority = i % 7, CreatedAt = Start.AddMilliseconds(i) })];
        if (keys == 1)
        {
            dispatcher.Started(new Job(-1, "q", "t") { Key = names[0] });
        }

        long before = GC.GetTotalMemory(forceFullCollection: true);
        var watch = Stopwatch.StartNew();
        foreach (Job job in jobs)
        {
            dispatcher.Add(job);
        }

        TimeSpan adding = watch.Elapsed;
        double bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)Jobs;
        watch.Restart();
        int started = Ask(dispatcher, keys);
        double questionMicroseconds = watch.Elapsed.TotalMicroseconds / Questions;
        output.WriteLine($"{about}: {bytes:F0} bytes per job, adding {adding.TotalMicroseconds / Jobs:F2} µs, a question {questionMicroseconds:F2} µs");

        started.ShouldBe(keys == 1 ? 0 : Questions);
        bytes.ShouldBeLessThan(BytesMax);
        questionMicroseconds.ShouldBeLessThan(100);
        adding.ShouldBeLessThan(TimeSpan.FromSeconds(20));
        GC.KeepAlive(jobs);
    }

    [Fact]
    public void Keys_that_have_nothing_left_are_forgotten()
    {
        var dispatcher = new Dispatcher(Start);
        dispatcher.SetQueue("q", new() { Concurrency = null, ConcurrencyPerKey = 1, RatePerKey = new Rate(1, TimeSpan.FromSeconds(1)), InOrder = true }, null);
        for (int i = 0; i < 10_000; i++)
        {
            var job = new Job(i, "q", "t") { Key = $"{i}" };
            dispatcher.Add(job);
            dispatcher.Next(Start.AddMilliseconds(i)).ShouldBe(job);
            dispatcher.Ended(job);
            dispatcher.TakeChangedRates();
            dispatcher.Keys("q").ShouldBeLessThanOrEqualTo(1_000);
        }

        dispatcher.Next(Start.AddHours(1)).ShouldBeNull();
        dispatcher.TakeChangedRates();
        dispatcher.Keys("q").ShouldBe(0);
    }

    private static int Ask(Dispatcher dispatcher, int keys)
    {
        int started = 0;
        for (int i = 0; i < Questions; i++)
        {
            if (dispatcher.Next(Start) is { } job)
            {
                started++;
                if (keys != 1)
                {
                    dispatcher.Ended(job);
                }
            }
        }

        return started;
    }
}
