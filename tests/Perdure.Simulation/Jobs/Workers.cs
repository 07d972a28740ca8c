using System.Globalization;
using System.Text.Json;
using Perdure.Engine;
using Perdure.Simulation.Processes;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Jobs;

/// <summary>
/// Workers outside of all processes: they pull jobs, hold them under leases that they renew or forget to, and report, give back, or fall silent. Each
/// pull has a name of its own, so that a lease can be told from all others. A worker holds to the one process that it pulled from.
/// </summary>
internal sealed class Workers(JobCaller caller, JobPlan plan, Observed observed, ReplayRandom chance)
{
    private int _pulls;
    private int _values;

    /// <summary>What one worker does until nothing is left to do.</summary>
    public async Task WorkAsync()
    {
        List<Task> all = [];
        while (!caller.GaveUp)
        {
            string worker = string.Create(CultureInfo.InvariantCulture, $"w{++_pulls}");
            Process? of = null;
            IReadOnlyList<LeasedJob> jobs = [];
            int max = chance.Next(1, 4);
            var wait = TimeSpan.FromSeconds(chance.Next(8));
            JobCall pull = await caller.CallAsync(new JobCall(0, "", JobVerb.Lease, JobPlan.Outside) { Worker = worker }, async (process, _) =>
            {
                of = process;
                return jobs = await process.Client.Queue(JobPlan.Outside).LeaseAsync(worker, max, wait);
            }, leased => string.Join(' ', leased.Select(j => j.Id)));
            all.AddRange(pull.IsDone ? jobs.Select(j => DoAsync(of!, pull, j)) : []);
            await caller.PauseAsync(2_000);
        }

        await Task.WhenAll(all);
    }

    private async Task DoAsync(Process process, JobCall pull, LeasedJob job)
    {
        using var json = JsonDocument.Parse(job.Payload);
        TimeSpan lease = plan.Queues[JobPlan.Outside].Lease;
        if (pull.At + lease <= caller.Now)
        {
            return; // the answer came too late
        }

        var call = new HandlerCall(observed.Next(), caller.Now, pull.Worker!, NumberOf(job), job.Queue, job.Key, job.Attempt, json.RootElement.GetProperty("id").GetInt32())
        {
            HeldUntil = pull.At + lease,
            FoundProgress = job.Saved<int>().HasValue,
        };
        observed.Jobs.Attempts.Add(call);
        WorkerFault fault = AnyFault();
        bool renews = fault != WorkerFault.ForgetsToRenew;
        var left = TimeSpan.FromMilliseconds(chance.Next(chance.Next(3) == 0 && !caller.IsCalm ? 20_000 : 600));
        while (renews && left > lease / 3)
        {
            await caller.WaitAsync(lease / 3);
            left -= lease / 3;
            if (await RenewAsync(process, call, job, lease) == false)
            {
                await StopAsync(process, call, job);
                return;
            }
        }

        await caller.WaitAsync(left);
        if (fault != WorkerFault.FallsSilent)
        {
            await ReportAsync(process, call, job, fault);
        }
    }

    /// <returns>Whether the worker may go on; null if nobody knows.</returns>
    private async Task<bool?> RenewAsync(Process process, HandlerCall call, LeasedJob job, TimeSpan lease)
    {
        bool saves = chance.Next(4) == 0;
        JobCall renewal = await CallAsync(process, JobVerb.Renew, call, () => saves ? job.RenewAsync(1) : chance.Next(4) == 0 ? job.ReportAsync(0.5, "half") : job.RenewAsync());
        if (renewal.Answer == bool.TrueString)
        {
            call.HeldUntil = renewal.At + lease;
        }

        return renewal.IsDone ? renewal.Answer == bool.TrueString : null;
    }

    /// <summary>The job is not wanted, or not this worker's, any more.</summary>
    private async Task StopAsync(Process process, HandlerCall call, LeasedJob job)
    {
        (call.End, call.EndOrder) = (EffectEnd.Cancelled, observed.Next());
        if (chance.Next(4) > 0)
        {
            await CallAsync(process, JobVerb.GiveBack, call, () => YesAsync(job.ReleaseAsync()));
        }
    }

    private async Task ReportAsync(Process process, HandlerCall call, LeasedJob job, WorkerFault fault)
    {
        string value = string.Create(CultureInfo.InvariantCulture, $"{call.Id}#w{++_values}");
        call.Result = fault is WorkerFault.None or WorkerFault.ForgetsToRenew ? value : null;
        (JobVerb verb, call.End, Func<Task> report) = fault switch
        {
            WorkerFault.Transient => (JobVerb.Report, EffectEnd.Transient, () => job.FailAsync(ErrorKind.Transient, "later")),
            WorkerFault.Rejects => (JobVerb.Report, EffectEnd.Rejected, () => job.FailAsync(ErrorKind.Rejected, "no")),
            WorkerFault.Permanent => (JobVerb.Report, EffectEnd.Permanent, () => job.FailAsync(ErrorKind.Permanent, "never")),
            WorkerFault.GivesBack => (JobVerb.GiveBack, EffectEnd.Cancelled, () => job.ReleaseAsync()),
            _ => (JobVerb.Report, EffectEnd.Succeeded, (Func<Task>)(() => job.CompleteAsync(value))),
        };
        call.EndOrder = observed.Next();
        for (int tries = 0; tries < 3; tries++)
        {
            JobCall reported = await CallAsync(process, verb, call, () => YesAsync(report()));
            if (!JobCaller.IsUnanswered(reported) || process.Place.IsDead || !await caller.AgainAsync())
            {
                return;
            }
        }
    }

    private Task<JobCall> CallAsync(Process process, JobVerb verb, HandlerCall call, Func<Task<bool>> ask)
        => caller.CallAsync(process, new JobCall(0, "", verb, call.Queue) { Worker = call.Process, Number = call.Number }, (_, _) => ask(), answer => answer.ToString());

    private static async Task<bool> YesAsync(Task report)
    {
        await report;
        return true;
    }

    private static long NumberOf(LeasedJob job) => long.Parse(job.Id.AsSpan(job.Id.LastIndexOf('-') + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private WorkerFault AnyFault() => (caller.IsCalm ? 0 : chance.Next(100)) switch
    {
        < 60 => WorkerFault.None,
        < 70 => WorkerFault.Transient,
        < 74 => WorkerFault.Rejects,
        < 76 => WorkerFault.Permanent,
        < 82 => WorkerFault.GivesBack,
        < 92 => WorkerFault.ForgetsToRenew,
        _ => WorkerFault.FallsSilent,
    };

    private enum WorkerFault
    {
        None,
        Transient,
        Rejects,
        Permanent,
        GivesBack,
        ForgetsToRenew,
        FallsSilent,
    }
}
