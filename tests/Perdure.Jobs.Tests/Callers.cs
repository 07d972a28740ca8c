using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Perdure.Testing;

namespace Perdure.Jobs.Tests;

/// <summary>One flow, "caller", and one queue, "requests", whose code a test writes.</summary>
internal static class Callers
{
    public static Task<string> Do(ConcurrentDictionary<string, int> done, string key, string result)
    {
        done.TryAdd(key, 0);
        return Task.FromResult(result);
    }

    public static IFlowClient<IFlow<string, string>> Flow(FlowTest test) => test.Perdure.Flow<string, string>("caller");

    public static async Task<string> RunAsync(FlowTest test, string input) => await (await Flow(test).StartAsync(input, "1")).ResultAsync();

    /// <summary>Lets what is ready happen, so that a job that takes time has begun.</summary>
    public static Task StartedAsync(FlowTest test) => test.AdvanceAsync(TimeSpan.FromMilliseconds(10));

    /// <summary>As Should.ThrowAsync, on the flow's own turn.</summary>
    public static async Task<TException> Caught<TException>(Task task)
        where TException : Exception
    {
        try
        {
            await task;
        }
        catch (TException e)
        {
            return e;
        }

        throw new InvalidOperationException($"no {typeof(TException).Name} was thrown");
    }

    public static Task<FlowTest> StartAsync(
        Func<string, FlowContext, Task<string>> body, Func<Request, JobContext, Task<string>>? handle = null, Action<QueueOptions>? queue = null, Action<PerdureBuilder>? more = null)
        => FlowTest.StartAsync(services => Compose(services, body, handle, queue, more));

    public static void Compose(
        IServiceCollection services, Func<string, FlowContext, Task<string>> body, Func<Request, JobContext, Task<string>>? handle = null, Action<QueueOptions>? queue = null, Action<PerdureBuilder>? more = null)
        => services.AddPerdure(p =>
        {
            p.UseMemory().AddQueue("requests", queue).AddFlow("caller", body);
            p.AddHandler("requests", handle ?? ((request, _) => Task.FromResult($"done {request.Url}")));
            more?.Invoke(p);
        });
}
