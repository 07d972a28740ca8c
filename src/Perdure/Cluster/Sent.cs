using Perdure.Events;
using Perdure.Queues;

namespace Perdure.Cluster;

/// <summary>An event on its way to its topic's home.</summary>
/// <param name="Type">Its type's durable name.</param>
/// <param name="Data">The event itself (JSON).</param>
/// <param name="Source">Who publishes it.</param>
internal sealed record SentEvent(string Type, byte[] Data, string Source)
{
    public string? Id { get; init; }

    public string? Key { get; init; }

    public DateTimeOffset? Time { get; init; }

    public string? Correlation { get; init; }

    public string? Cause { get; init; }

    public byte[]? More { get; init; }

    public static SentEvent Of(NewEvent e) => new(e.Type.Name, e.Data, e.Source)
    {
        Id = e.Id,
        Key = e.Key,
        Time = e.Time,
        Correlation = e.Correlation,
        Cause = e.Cause,
        More = e.More,
    };

    /// <summary>The event; null if its type is not known here.</summary>
    public NewEvent? ToNew(EventRegistry registry) => registry.Find(Type) is not { } type ? null : new NewEvent(type, Data)
    {
        Id = Id,
        Key = Key,
        Source = Source,
        Time = Time,
        Correlation = Correlation,
        Cause = Cause,
        More = More,
    };
}

/// <summary>What an attempt has led to, on its way to the job's home.</summary>
internal sealed record SentReport(byte[]? Result, ErrorInfo? Error, List<SentEvent>? Events, List<FlowStart>? Starts, List<byte[]>? Jobs)
{
    public static SentReport Of(JobReport report)
        => new(report.Result, report.Error, report.Effects?.Events.ConvertAll(SentEvent.Of), report.Effects?.Starts, report.Effects?.Jobs.ConvertAll(static j => j.Write()));

    /// <summary>What it led to; null if one of its events is not known here.</summary>
    public JobReport? ToReport(EventRegistry registry)
    {
        List<NewEvent> events = [.. (Events ?? []).Select(e => e.ToNew(registry)).OfType<NewEvent>()];
        if (events.Count < (Events?.Count ?? 0))
        {
            return null;
        }

        if (Starts is null)
        {
            return new JobReport(Result, Error);
        }

        var effects = new JobEffects();
        effects.Events.AddRange(events);
        effects.Starts.AddRange(Starts);
        effects.Jobs.AddRange((Jobs ?? []).Select(FlowJob.Read));
        return new JobReport(Result, Error) { Effects = effects };
    }
}

/// <summary>How far a job has come, as its worker says.</summary>
/// <param name="Saved">What the next attempt is to find; null where it only reports.</param>
/// <param name="Done">The share that is done.</param>
/// <param name="Text">In words.</param>
internal sealed record JobNote(System.Text.Json.JsonElement? Saved, double? Done, string? Text)
{
    public void Put(JobMore more)
    {
        if (Saved is { } saved)
        {
            more.Saved = saved;
        }
        else
        {
            (more.Done, more.Text) = (Done, Text);
        }
    }
}

/// <summary>A dead letter's new work.</summary>
/// <param name="Payload">The job (JSON).</param>
/// <param name="Key">Its key; null for the one that it had.</param>
internal sealed record EditedJob(byte[] Payload, string? Key);
