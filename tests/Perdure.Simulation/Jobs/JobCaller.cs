using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Simulation.Processes;
using Perdure.Simulation.Seen;
using Perdure.Testing.Virtual;

namespace Perdure.Simulation.Jobs;

/// <summary>Makes calls about jobs in some process, and writes down what came of them.</summary>
internal sealed class JobCaller(World world, NodeProcesses cluster, Observed observed, ReplayRandom chance)
{
    private const string Unavailable = "unavailable";

    /// <summary>For how long somebody waits for an answer before he asks again.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether faults have stopped.</summary>
    public bool IsCalm { get; set; }

    public bool GaveUp { get; set; }

    public DateTimeOffset Now => world.Now;

    /// <summary>Whether nobody can say what became of a call.</summary>
    public static bool IsUnanswered(JobCall call) => call.AnswerOrder == 0 || call.Error is Unavailable or ErrorCodes.StoreFailed or ErrorCodes.NotStarted;

    public Task<JobCall> CallAsync(JobCall call, Func<Process, JobCall, Task> ask) => CallAsync(call, async (process, asked) =>
    {
        await ask(process, asked);
        return "";
    }, _ => null);

    /// <summary>Makes a call in any process.</summary>
    public async Task<JobCall> CallAsync<T>(JobCall draft, Func<Process, JobCall, Task<T>> ask, Func<T, string?> answerOf)
    {
        Process? process;
        while ((process = cluster.Any()) is null)
        {
            await PauseAsync(2_000);
        }

        return await CallAsync(process, draft, ask, answerOf);
    }

    /// <summary>Makes a call in one process.</summary>
    public async Task<JobCall> CallAsync<T>(Process process, JobCall draft, Func<Process, JobCall, Task<T>> ask, Func<T, string?> answerOf)
    {
        JobCall call = draft with { Order = observed.Next(), At = world.Now, Process = process.Name };
        observed.Jobs.Calls.Add(call);
        string about = $"{call.Verb} {call.Queue} {call.Worker} {call.Number:x} {string.Join(' ', call.Ids)}";
        world.Trace.Note($"{process.Name} is asked: {about} {(call.Ids.Count > 0 ? call.Options : null)}");
        Task<T> answer = process.Place.Start(() => ask(process, call));
        await Task.WhenAny(answer, Task.Delay(Patience, world.Outside.Time));
        if (!answer.IsCompleted)
        {
            return call;
        }

        try
        {
            call.Answer = answerOf(await answer);
        }
        catch (PerdureException e)
        {
            call.Error = e is StoreUnavailableException ? Unavailable : e.Code;
        }

        call.AnswerOrder = observed.Next();
        world.Trace.Note($"{process.Name} answers: {about}: {call.Answer} {call.Error}");
        return call;
    }

    public async Task<bool> AgainAsync()
    {
        await PauseAsync(IsCalm ? 500 : 5_000);
        return !GaveUp;
    }

    public Task PauseAsync(int millisecondsMax) => Task.Delay(TimeSpan.FromMilliseconds(chance.Next(Math.Max(1, millisecondsMax))), world.Outside.Time);

    public Task WaitAsync(TimeSpan time) => Task.Delay(time, world.Outside.Time);
}
