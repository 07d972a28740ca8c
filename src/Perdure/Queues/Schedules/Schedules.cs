using System.Text.Json;
using Perdure.Diagnostics;
using Perdure.Scheduling;
using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>Makes jobs at the times of schedules.</summary>
/// <remarks>
/// What a schedule has dealt with is written in the batch that holds the job, so no time has two jobs, and none is lost: a crash before the
/// commit leaves neither, and the next process comes to that time again. Times only go forward, so a clock that is put back repeats none.
/// </remarks>
internal sealed class Schedules(Home home)
{
    /// <summary>How many jobs one backfill makes at most.</summary>
    public const int BackfillMax = 10_000;

    private const string MemoPrefix = "schedule/";

    /// <summary>A time that comes up later than this was missed. A process that is started anew is there again by then.</summary>
    private static readonly TimeSpan LateMax = TimeSpan.FromMinutes(1);

    private readonly SortedDictionary<string, ScheduleState> _states = new(StringComparer.Ordinal);

    /// <summary>When the next job is to be made; null if there is no such time.</summary>
    public DateTimeOffset? Next { get; private set; }

    public ScheduleState Find(string name) => _states[name];

    /// <summary>Begins with what is remembered. A schedule that is new begins now.</summary>
    public void Begin(IReadOnlyList<MemoRow> memos, DateTimeOffset now)
    {
        _states.Clear();
        Dictionary<string, byte[]> known = memos.Where(m => m.Name.StartsWith(MemoPrefix, StringComparison.Ordinal)).ToDictionary(m => m.Name[MemoPrefix.Length..], m => m.Value!, StringComparer.Ordinal);
        foreach ((string name, ScheduleDefinition definition) in home.Registry.Schedules)
        {
            bool isKnown = known.TryGetValue(name, out byte[]? memo);
            var state = new ScheduleState(definition, isKnown
                ? JsonSerializer.Deserialize(memo, ScheduleJson.Default.ScheduleMemo)!
                : new ScheduleMemo { Began = now, UpTo = now, Missed = [new Stretch(DateTimeOffset.MinValue, now)] });
            _states.Add(name, state);
            state.FindNext();
            if (!isKnown)
            {
                Remember(state);
            }
        }

        FindNext();
    }

    /// <summary>A job is in memory from now on.</summary>
    public void Came(Job job)
    {
        if (job.More?.Schedule is { } name && _states.TryGetValue(name, out ScheduleState? state))
        {
            state.Open.Add(job.Number);
        }
    }

    /// <summary>A job has ended.</summary>
    public void Ended(Job job)
    {
        if (job.More?.Schedule is { } name && _states.TryGetValue(name, out ScheduleState? state))
        {
            state.Open.Remove(job.Number);
        }
    }

    /// <summary>Makes the jobs whose time has come.</summary>
    public void Due(DateTimeOffset now)
    {
        if (Next > now || Next is null)
        {
            return;
        }

        foreach (ScheduleState state in _states.Values.Where(s => s.Next <= now))
        {
            Fire(state, now);
            Remember(state);
            state.FindNext();
        }

        FindNext();
    }

    public void SetPaused(ScheduleState state, bool paused, DateTimeOffset now)
    {
        if (state.Memo.Paused != paused)
        {
            if (state.Memo.Paused)
            {
                state.Miss(now);
            }

            state.Memo.Paused = paused;
            Remember(state);
            state.FindNext();
            FindNext();
        }
    }

    /// <summary>Makes a job now, outside of the timetable.</summary>
    /// <exception cref="PerdureException">It cannot be made.</exception>
    public Job Trigger(ScheduleState state, DateTimeOffset now)
    {
        NewJob wanted = Prepare(state, now, counts: true);
        Refuse([wanted]);
        Receipt receipt = Add(state, wanted);
        Remember(state);
        return home.Find(receipt.Number) ?? throw new PerdureException(ErrorCodes.JobNotFound, $"schedule {state.Definition.Name}: the job was merged with one that undid it.");
    }

    /// <summary>Makes the jobs that were missed in a stretch of time, those before the schedule's beginning, too.</summary>
    /// <returns>How many.</returns>
    /// <exception cref="PerdureException">They cannot be made; none is.</exception>
    public int Backfill(ScheduleState state, DateTimeOffset from, DateTimeOffset to, DateTimeOffset now)
    {
        if (state.Memo.Paused)
        {
            state.Miss(now);
        }

        DateTimeOffset after = from > DateTimeOffset.MinValue ? from.AddTicks(-1) : from;
        List<DateTimeOffset> times = [.. MissedTimes.Among(state.Memo.Missed, after, to).SelectMany(s => PastTimes.Between(state.Definition.When, s.After, s.UpTo)).Take(BackfillMax + 1)];
        if (times.Count > BackfillMax)
        {
            throw new PerdureException(ErrorCodes.BadOption, $"schedule {state.Definition.Name} missed more than {BackfillMax:N0} times from {from:u} to {to:u}: make up for a shorter stretch.");
        }

        List<NewJob> wanted = times.ConvertAll(at => Prepare(state, at, counts: false));
        Refuse(wanted);
        wanted.ForEach(w => Add(state, w));
        state.Memo.Missed = MissedTimes.Without(state.Memo.Missed, after, to);
        Remember(state);
        return wanted.Count;
    }

    private void Fire(ScheduleState state, DateTimeOffset now)
    {
        Timetable when = state.Definition.When;
        ScheduleOptions options = state.Definition.Options;
        DateTimeOffset latest = PastTimes.Latest(when, state.Next!.Value, now);
        List<DateTimeOffset> times = options.CatchUp switch
        {
            CatchUp.All => PastTimes.Last(when, state.Memo.UpTo, latest, options.CatchUpMax),
            CatchUp.None when now - latest > LateMax => [],
            _ => [latest],
        };
        if (times.Count == 1 && !MayOverlap(state))
        {
            times.Clear();
        }

        foreach (DateTimeOffset at in times)
        {
            if (TryMake(state, at))
            {
                state.Fired(at);
            }
        }

        state.Miss(latest);
    }

    /// <summary>Whether one more job may be made; those before it are cancelled if that is how.</summary>
    private bool MayOverlap(ScheduleState state)
    {
        Overlap overlap = state.Definition.Options.Overlap;
        if (overlap == Overlap.Queue)
        {
            return true;
        }

        List<long> open = [.. state.Open.Append(state.Memo.LastJob).Distinct().Where(n => home.Find(n) is not null).Order()];
        if (overlap == Overlap.Skip)
        {
            return open.Count == 0;
        }

        foreach (long number in open)
        {
            home.Subscriptions.Cancel(number, subscriber: null, $"schedule {state.Definition.Name} came to its next time");
            home.Batch.MemosOfJobs.Add((MemoPrefix + state.Definition.Name, number)); // it is not there without the job that comes for it
        }

        return true;
    }

    private bool TryMake(ScheduleState state, DateTimeOffset at)
    {
        try
        {
            NewJob wanted = Prepare(state, at, counts: true);
            Refuse([wanted]);
            Add(state, wanted);
            state.Memo.Error = null;
            return true;
        }
        catch (PerdureException e)
        {
            state.Memo.Error = e.Message;
            home.Node.Log.ScheduleMissed(state.Definition.Name, at, e.Message);
            return false;
        }
    }

    private Receipt Add(ScheduleState state, NewJob wanted)
    {
        Receipt receipt = home.Intake.Add(wanted);
        home.Batch.MemosOfJobs.Add((MemoPrefix + state.Definition.Name, receipt.Number));
        if (wanted.Schedule is not null)
        {
            state.Memo.LastJob = receipt.Number;
            state.Memo.LastQueue = wanted.Queue;
        }

        return receipt;
    }

    private NewJob Prepare(ScheduleState state, DateTimeOffset at, bool counts)
    {
        ScheduleDefinition definition = state.Definition;
        try
        {
            return WantedJobs.Prepare(home.Registry, home.Node.Services.Json, definition.Make(at), definition.Options.JobOptions) with { ScheduledFor = at, Schedule = counts ? definition.Name : null };
        }
        catch (Exception e) when (e is not PerdureException)
        {
            throw new PerdureException(ErrorCodes.BadOption, $"schedule {definition.Name} could not make the job for {at:u}: {e.Message}", e);
        }
    }

    /// <summary>Throws if jobs may not come now. The home itself cannot wait for room in a queue.</summary>
    private void Refuse(IReadOnlyList<NewJob> jobs)
    {
        if (home.Intake.Refusal(jobs, out bool blocks) is { } refusal)
        {
            throw refusal;
        }

        if (blocks)
        {
            throw new PerdureException(ErrorCodes.QueueFull, $"queue {jobs[0].Queue} is full.");
        }
    }

    private void FindNext() => Next = _states.Values.Min(s => s.Next);

    private void Remember(ScheduleState state)
        => home.Queues.Remember(MemoPrefix + state.Definition.Name, JsonSerializer.SerializeToUtf8Bytes(state.Memo, ScheduleJson.Default.ScheduleMemo));
}
