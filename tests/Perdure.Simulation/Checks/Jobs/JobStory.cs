using System.Text.Json;
using Perdure.Storage;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>One life of one job, as it was committed: from when it came, or was redriven, to its end.</summary>
internal sealed class JobStory(JobRow row, long order, JobStory? before)
{
    public JobRow Row => row;

    public long Number => row.Number;

    public long Order => order;

    /// <summary>Its life before it was redriven; null if it never was.</summary>
    public JobStory? Before => before;

    /// <summary>The state it came with, and those after it.</summary>
    public List<StateStory> States { get; } = [new StateStory(order, row.State, row.Payload)];

    /// <summary>When its end was committed; after everything while it has none.</summary>
    public long EndOrder { get; set; } = long.MaxValue;

    public JobEndRow? End { get; set; }

    public long ForgottenOrder { get; set; } = long.MaxValue;

    public bool HasEnded => EndOrder < long.MaxValue;

    /// <summary>What it came with says which one it is.</summary>
    public int Id => States[0].Id!.Value;

    /// <summary>Its state at some moment.</summary>
    public StateStory At(long moment) => States.FindLast(s => s.Order < moment) ?? States[0];

    /// <summary>What a handler must be given at some moment.</summary>
    public int IdAt(long moment) => (States.FindLast(s => s.Order < moment && s.Payload is not null) ?? States[0]).Id!.Value;

    public override string ToString() => $"{row.Queue}-{row.Number:x}{(before is null ? "" : " (redriven)")}";
}

/// <summary>One state of a job.</summary>
internal sealed class StateStory
{
    public StateStory(long order, JobState state, byte[]? payload)
    {
        (Order, State, Payload) = (order, state, payload);
        if (payload is not null)
        {
            using var json = JsonDocument.Parse(payload);
            Id = json.RootElement.GetProperty("id").GetInt32();
        }

        if (state.More is { } more)
        {
            using var json = JsonDocument.Parse(more);
            Read(json.RootElement);
        }
    }

    public long Order { get; }

    public JobState State { get; }

    public byte[]? Payload { get; }

    public int? Id { get; }

    public bool IsCancelled { get; private set; }

    public string? Dedup { get; private set; }

    public bool IsUntilStarted { get; private set; }

    public bool HasSaved { get; private set; }

    public DateTimeOffset? ExpireAt { get; private set; }

    public int SubscriberCount { get; private set; } = 1;

    public int Subscribers { get; private set; } = 1;

    /// <summary>When it was redriven last.</summary>
    public DateTimeOffset? RedrivenAt { get; private set; }

    /// <summary>Whether somebody wants it for some time only.</summary>
    public bool HasLimit { get; private set; }

    /// <summary>Whether a flow wants it.</summary>
    public bool HasFlow { get; private set; }

    /// <summary>Whether it came with retries of its own, and how many attempts these let; null for any number.</summary>
    public bool HasRetry { get; private set; }

    public int? Attempts { get; private set; }

    /// <summary>The pull under whose lease it is; null for none.</summary>
    public string? Worker { get; private set; }

    public DateTimeOffset LeaseUntil { get; private set; }

    public int LostLeases { get; private set; }

    /// <summary>The schedule that counts it, and the time for which a schedule made it.</summary>
    public string? Schedule { get; private set; }

    public DateTimeOffset? ScheduledFor { get; private set; }

    private void Read(JsonElement json)
    {
        IsCancelled = json.TryGetProperty("cancelReason", out _);
        Dedup = json.TryGetProperty("dedup", out JsonElement key) ? key.GetString() : null;
        IsUntilStarted = json.TryGetProperty("untilStarted", out _);
        HasSaved = json.TryGetProperty("saved", out _);
        ExpireAt = json.TryGetProperty("expireAt", out JsonElement at) ? at.GetDateTimeOffset() : null;
        RedrivenAt = json.TryGetProperty("redrivenAt", out JsonElement redriven) ? redriven.GetDateTimeOffset() : null;
        SubscriberCount = json.TryGetProperty("subscriberCount", out JsonElement count) ? count.GetInt32() : 1;
        Schedule = json.TryGetProperty("schedule", out JsonElement schedule) ? schedule.GetString() : null;
        ScheduledFor = json.TryGetProperty("scheduledFor", out JsonElement time) ? time.GetDateTimeOffset() : null;
        LostLeases = json.TryGetProperty("lostLeases", out JsonElement lost) ? lost.GetInt32() : 0;
        if (json.TryGetProperty("subscribers", out JsonElement all))
        {
            Subscribers = all.GetArrayLength();
            HasLimit = all.EnumerateArray().Any(s => s.TryGetProperty("until", out _));
            HasFlow = all.EnumerateArray().Any(s => s.TryGetProperty("flowId", out _));
        }

        if (json.TryGetProperty("retry", out JsonElement retry))
        {
            HasRetry = true;
            Attempts = retry.TryGetProperty("attempts", out JsonElement attempts) ? attempts.GetInt32() : null;
        }

        if (json.TryGetProperty("lease", out JsonElement lease))
        {
            Worker = lease.GetProperty("worker").GetString();
            LeaseUntil = lease.GetProperty("until").GetDateTimeOffset();
        }
    }
}
