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

    /// <summary>Whether handlers do what they are asked.</summary>
    public bool IsCalm { get; set; }

    public async Task<string> DoAsync(Process process, int id, JobContext context)
    {
        long number = long.Parse(context.Id.AsSpan(context.Id.LastIndexOf('-') + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        var call = new HandlerCall(observed.Next(), world.Now, process.Name, number, context.Queue, context.Key, context.Attempt, id);
        observed.Jobs.Attempts.Add(call);
        JobFault fault = AnyFault();
        world.Trace.Note($"{process.Name} does {context.Id} ({id}) attempt {context.Attempt} {fault}", number);
        using CancellationTokenRegistration told = context.CancellationToken.UnsafeRegister(_ => call.ToldAt = world.Now, null);
        try
        {
            call.Result = await WorkAsync(process, call, fault, context);
            call.End = EffectEnd.Succeeded;
            return call.Result;
        }
        catch (Exception e)
        {
            call.End = e switch
            {
                RejectedException => EffectEnd.Rejected,
                PermanentFault => EffectEnd.Permanent,
                TimeoutException => EffectEnd.Unknown,
                OperationCanceledException => EffectEnd.Cancelled,
                _ => EffectEnd.Transient,
            };
            throw;
        }
        finally
        {
            call.EndOrder = observed.Next();
            world.Trace.Note($"{process.Name} did {context.Id} ({id}) attempt {context.Attempt}: {call.End} {call.Result}", number);
        }
    }

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

        await PauseAsync(process, _chance.Next(_chance.Next(3) == 0 && !IsCalm ? 6_000 : 300), _chance.Next(4) == 0 ? CancellationToken.None : context.CancellationToken);
        return fault switch
        {
            JobFault.Rejects => throw new RejectedException("no"),
            JobFault.Transient => throw new TransientFault(),
            JobFault.Permanent => throw new PermanentFault(),
            JobFault.Unknown => throw new TimeoutException(),
            _ => string.Create(CultureInfo.InvariantCulture, $"{call.Id}#{++_values}{(fault == JobFault.Poison ? Stores.ModelStore.Poison : "")}"),
        };
    }

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
