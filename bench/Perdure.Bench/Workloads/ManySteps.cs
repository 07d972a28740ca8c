using System.Diagnostics;
using Perdure.Bench.Runner;

namespace Perdure.Bench.Workloads;

/// <summary>A flow of so many steps one after another, which then waits to be told to finish, so that it can be replayed.</summary>
internal sealed class ManySteps : IFlow<int, int>
{
    public const string SignalName = "finish";

    private static readonly TimeSpan Limit = TimeSpan.FromDays(30);

    public async Task<int> RunAsync(int input, FlowContext flow)
    {
        int sum = 0;
        foreach (int number in Enumerable.Range(0, input))
        {
            sum += await flow.Step(() => CountAsync(number));
        }

        await flow.Signal<bool>(SignalName, Limit);
        return sum;
    }

    private static Task<int> CountAsync(int number)
    {
        StepClock.Tick();
        return Task.FromResult(number % 2);
    }
}

/// <summary>When the steps of the one flow under way ran: what lies between two is a step's whole cost.</summary>
internal static class StepClock
{
    private static long s_first;
    private static long s_last;
    private static Latencies? s_latencies;

    public static TimeSpan Elapsed => Stopwatch.GetElapsedTime(s_first, s_last);

    public static void Reset(Latencies latencies)
    {
        s_latencies = latencies;
        s_first = 0;
    }

    public static void Tick()
    {
        long now = Stopwatch.GetTimestamp();
        if (s_first == 0)
        {
            s_first = now;
        }
        else
        {
            s_latencies!.Add(Stopwatch.GetElapsedTime(s_last, now));
        }

        s_last = now;
    }
}
