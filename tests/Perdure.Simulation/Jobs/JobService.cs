using System.Globalization;
using Perdure.Engine;
using Perdure.Simulation.Processes;
using Perdure.Simulation.Seen;
using Perdure.Simulation.Services;
using Perdure.Testing.Virtual;

namespace Perdure.Simulation.Jobs;

/// <summary>What the handlers of all processes do: they succeed, fail in every way, are slow, or ignore their token, until it <see cref="IsCalm"/>. It writes down each call.</summary>
internal sealed class JobService(World world, Observed observed)
{
    private readonly ReplayRandom _chance = new(ReplayRandom.Mix(world.Seed ^ 0x10B_5E4));
    private int _values;
    private int _batches;

    /// <summary>Whether handlers do what they are asked.</summary>
    public bool IsCalm { get; set; }

    public async Task<string> DoAsync(Process process, int id, JobContext context)
    {
        HandlerCall call = Begin(process, id, context, batch: 0);
        JobFault fault = AnyFault();
        world.Trace.Note($"{process.Name} does {context.Id} ({id}) attempt {context.Attempt} {fault}", call.Number);
        using CancellationTokenRegistration told = context.CancellationToken.UnsafeRegister(_ => call.ToldAt = world.Now, null);
        try
        {
            call.Result = await WorkAsync(process, call, fault, context);
            call.End = EffectEnd.Succeeded;
            return call.Result;
        }
        catch (Exception e)
        {
            call.End = EndOf(e);
            throw;
        }
        finally
        {
            End(call);
        }
    }

    /// <summary>Does many jobs in one call: each has an outcome of its own, unless the call as a whole fails.</summary>
    public async Task DoManyAsync(Process process, IReadOnlyList<BatchedJob<Load>> jobs, CancellationToken token)
    {
        int batch = ++_batches;
        List<HandlerCall> calls = [.. jobs.Select(j => Begin(process, j.Job.Id, j.Context, batch))];
        JobFault whole = _chance.Next(4) == 0 ? AnyFault() : JobFault.None;
        world.Trace.Note($"{process.Name} does {string.Join(' ', jobs.Select(j => j.Context.Id))} {whole}", batch);
        using CancellationTokenRegistration told = token.UnsafeRegister(_ => calls.ForEach(c => c.ToldAt = world.Now), null);
        try
        {
            await PauseAsync(process, whole == JobFault.Hangs ? 600_000 : AWhile(), token);
            foreach ((BatchedJob<Load> job, HandlerCall call) in jobs.Zip(calls))
            {
                Exception? error = ErrorOf(whole) is { } all ? throw all : ErrorOf(AnyFault());
                call.End = error is null ? EffectEnd.Succeeded : EndOf(error);
                if (error is not null)
                {
                    job.Fail(error);
                }
            }
        }
        catch (Exception e)
        {
            calls.ForEach(c => c.End = EndOf(e));
            throw;
        }
        finally
        {
            calls.ForEach(End);
        }
    }

    private HandlerCall Begin(Process process, int id, JobContext context, int batch)
    {
        long number = long.Parse(context.Id.AsSpan(context.Id.LastIndexOf('-') + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        var call = new HandlerCall(observed.Next(), world.Now, process.Name, number, context.Queue, context.Key, context.Attempt, id) { Batch = batch };
        observed.Jobs.Attempts.Add(call);
        return call;
    }

    private void End(HandlerCall call)
    {
        call.EndOrder = observed.Next();
        world.Trace.Note($"{call.Process} did {call.Queue}-{call.Number:x} ({call.Id}) attempt {call.Attempt}: {call.End} {call.Result}", call.Number);
    }

    private static EffectEnd EndOf(Exception error) => error switch
    {
        RejectedException => EffectEnd.Rejected,
        PermanentFault => EffectEnd.Permanent,
        TimeoutException => EffectEnd.Unknown,
        OperationCanceledException => EffectEnd.Cancelled,
        _ => EffectEnd.Transient,
    };

    private static Exception? ErrorOf(JobFault fault) => fault switch
    {
        JobFault.Rejects => new RejectedException("no"),
        JobFault.Transient => new TransientFault(),
        JobFault.Permanent => new PermanentFault(),
        JobFault.Unknown => new TimeoutException(),
        _ => null,
    };

    private async Task<string> WorkAsync(Process process, HandlerCall call, JobFault fault, JobContext context)
    {
        switch (fault)
        {
            case JobFault.Hangs:
                await PauseAsync(process, 600_000, context);
                break;
            case JobFault.IgnoresToken:
                await PauseAsync(process, 5_000 + _chance.Next(30_000), CancellationToken.None);
                break;
            case JobFault.Saves:
                call.FoundProgress = context.Saved<int>().TryGet(out int saved);
                await context.SaveAsync(saved + 1);
                await context.ReportAsync(0.5, "half");
                break;
        }

        await PauseAsync(process, AWhile(), _chance.Next(4) == 0 ? CancellationToken.None : context.CancellationToken);
        return ErrorOf(fault) is { } error ? throw error
            : string.Create(CultureInfo.InvariantCulture, $"{call.Id}#{++_values}{(fault == JobFault.Poison ? Stores.ModelStore.Poison : "")}");
    }

    private int AWhile() => _chance.Next(_chance.Next(3) == 0 && !IsCalm ? 6_000 : 300);

    private JobFault AnyFault() => (IsCalm ? 0 : _chance.Next(100)) switch
    {
        < 64 => JobFault.None,
        < 76 => JobFault.Transient,
        < 79 => JobFault.Rejects,
        < 81 => JobFault.Permanent,
        < 85 => JobFault.Unknown,
        < 88 => JobFault.Hangs,
        < 92 => JobFault.IgnoresToken,
        < 99 => JobFault.Saves,
        _ => JobFault.Poison,
    };

    private static Task PauseAsync(Process process, int milliseconds, CancellationToken token) => Task.Delay(TimeSpan.FromMilliseconds(milliseconds), process.Place.Time, token);

    private enum JobFault
    {
        None,
        Transient,
        Rejects,
        Permanent,
        Unknown,
        Hangs,
        IgnoresToken,
        Saves,
        Poison,
    }
}
