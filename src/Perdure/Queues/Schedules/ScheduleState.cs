using System.Text.Json.Serialization;
using Perdure.Scheduling;

namespace Perdure.Queues;

/// <summary>A schedule in its home's memory.</summary>
internal sealed class ScheduleState(ScheduleDefinition definition, ScheduleMemo memo)
{
    public ScheduleDefinition Definition => definition;

    public ScheduleMemo Memo => memo;

    /// <summary>The time that comes next; null if there is none, or the schedule is paused.</summary>
    public DateTimeOffset? Next { get; set; }

    /// <summary>Its jobs that are not done.</summary>
    public HashSet<long> Open { get; } = [];

    /// <summary>Sets <see cref="Next"/>, of which the zone says how it shows.</summary>
    public void FindNext() => Next = memo.Paused ? null : definition.When.NextAfter(memo.UpTo);

    /// <summary>Notes that the times up to an instant had no job.</summary>
    public void Miss(DateTimeOffset upTo)
    {
        if (definition.When.NextAfter(memo.UpTo) is { } first && first <= upTo)
        {
            MissedTimes.Add(memo.Missed, memo.UpTo, upTo);
        }

        memo.UpTo = upTo;
    }

    /// <summary>Notes that a time had a job; those before it had none.</summary>
    public void Fired(DateTimeOffset at)
    {
        Miss(at.AddTicks(-1));
        memo.UpTo = at;
        memo.LastFired = at;
    }

    /// <summary>How many times have had no job since the schedule began, as far as anybody walks.</summary>
    public int CountMissed(DateTimeOffset now)
    {
        IEnumerable<Stretch> missed = memo.Paused ? memo.Missed.Append(new Stretch(memo.UpTo, now)) : memo.Missed;
        return MissedTimes.Among(missed, memo.Began, now).SelectMany(s => PastTimes.Between(definition.When, s.After, s.UpTo)).Take(PastTimes.WalkMax).Count();
    }
}

/// <summary>What the store holds of a schedule.</summary>
internal sealed class ScheduleMemo
{
    /// <summary>When the schedule was first there.</summary>
    public DateTimeOffset Began { get; set; }

    /// <summary>All times up to it are dealt with: they had their job, or are missed.</summary>
    public DateTimeOffset UpTo { get; set; }

    public DateTimeOffset? LastFired { get; set; }

    public bool Paused { get; set; }

    /// <summary>The last job that was made for a time, or by hand; 0 for none.</summary>
    public long LastJob { get; set; }

    /// <summary>The queue of that job.</summary>
    public string? LastQueue { get; set; }

    /// <summary>Why the last time that could not have its job could not; null if the one after it could.</summary>
    public string? Error { get; set; }

    public List<Stretch> Missed { get; set; } = [];
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(ScheduleMemo))]
internal sealed partial class ScheduleJson : JsonSerializerContext;
