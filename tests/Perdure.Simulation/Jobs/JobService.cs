using System.Globalization;
using Perdure.Engine;
using Perdure.Simulation.Processes;
using Perdure.Simulation.Seen;
using Perdure.Testing.Virtual;

namespace Perdure.Simulation.Jobs;

/// <summary>What the handlers of all processes do: they succeed, fail in every way, are slow, or ignore their token, until it <see cref="IsCalm"/>. It writes down each call.</summary>
internal sealed class JobService(World world, Observed observed)
{
    private readonly HandlerFaults _faults = new(new ReplayRandom(ReplayRandom.Mix(world.Seed ^ 0x10B_5E4)));
    private int _values;
    private int _batches;

    /// <summary>Whether handlers do what they are asked.</summary>
    public bool IsCalm
    {
        get => _faults.IsCalm;
        set => _faults.IsCalm = value;
    }

    public async Task<string> DoAsync(Process process, int id, JobContext context)
    {
        HandlerCall call = Begin(process, id, context, batch: 0);
        HandlerFault fault = _faults.Any();
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
            call.End = HandlerFaults.EndOf(e);
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
        HandlerFault whole = _faults.Chance.Next(4) == 0 ? _faults.Any() : HandlerFault.None;
        world.Trace.Note($"{process.Name} does {string.Join(' ', jobs.Select(j => j.Context.Id))} {whole}", batch);
        using CancellationTokenRegistration told = token.UnsafeRegister(_ => calls.ForEach(c => c.ToldAt = world.Now), null);
        try
        {
            await HandlerFaults.PauseAsync(process, whole == HandlerFault.Hangs ? 600_000 : _faults.AWhile(), token);
            foreach ((BatchedJob<Load> job, HandlerCall call) in jobs.Zip(calls))
            {
                Exception? error = HandlerFaults.ErrorOf(whole) is { } all ? throw all : HandlerFaults.ErrorOf(_faults.Any());
                call.End = error is null ? EffectEnd.Succeeded : HandlerFaults.EndOf(error);
                if (error is not null)
                {
                    job.Fail(error);
                }
            }
        }
        catch (Exception e)
        {
            calls.ForEach(c => c.End = HandlerFaults.EndOf(e));
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
        if (process.Node.Dependencies.Open.Any())
        {
            observed.Mark("a job began while a breaker was open");
        }

        return call;
    }

    private void End(HandlerCall call)
    {
        call.EndOrder = observed.Next();
        world.Trace.Note($"{call.Process} did {call.Queue}-{call.Number:x} ({call.Id}) attempt {call.Attempt}: {call.End} {call.Result}", call.Number);
    }

    private async Task<string> WorkAsync(Process process, HandlerCall call, HandlerFault fault, JobContext context)
    {
        call.FoundProgress = fault == HandlerFault.Saves && context.Saved<int>().HasValue;
        await _faults.PlayAsync(process, fault, context);
        return string.Create(CultureInfo.InvariantCulture, $"{call.Id}#{++_values}{(fault == HandlerFault.Poison ? Stores.ModelStore.Poison : "")}");
    }
}
