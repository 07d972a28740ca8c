using System.Text.Json;
using Perdure.Cluster;
using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Events;
using Perdure.Serialization;

namespace Perdure.Queues;

/// <summary>One attempt of a job in this process: what its handler may know, and the way back to the job's home.</summary>
internal sealed class JobAttempt(Shard? shard, Job job, byte[]? payload, TimeSpan timeout, FlowJson json) : ICause
{
    /// <summary>An attempt that no home knows of.</summary>
    public static JobAttempt Unrecorded(NewJob wanted, FlowJson json) => new(null, new Job(0, wanted.Queue, wanted.Type.Name) { Key = wanted.Key }, wanted.Payload, default, json);

    private JsonElement? _saved = job.More?.Saved;

    public long Number { get; } = job.Number;

    public string Queue { get; } = job.Queue;

    /// <summary>The durable name of its contract.</summary>
    public string Type { get; } = job.Type;

    public string? Key { get; } = job.Key;

    public int Attempt { get; } = job.Attempts + 1;

    public DateTimeOffset? ScheduledFor { get; } = job.More?.ScheduledFor;

    public string? TraceParent { get; } = job.More?.TraceParent;

    /// <summary>The event that it is about; null for a job that somebody enqueued.</summary>
    public EventRef? Event { get; } = job.More?.Event;

    public string Correlation { get => field ??= JobId.Text(Queue, Number); } = job.More?.Correlation;

    public string Text => Event is { } about ? $"event:{about}@{Queue}" : $"job:{JobId.Text(Queue, Number)}";

    /// <summary>What is to happen together with the job's end; null for nothing.</summary>
    public JobEffects? Effects { get; private set; }

    /// <summary>What the attempt adds to.</summary>
    public JobEffects Wants()
        => shard is null ? throw new PerdureException(ErrorCodes.NotStarted, "the job runs unrecorded, since its store is down: nothing can be published or started with it.") : Effects ??= new JobEffects();

    public void Publish(object @event, string? key)
    {
        EventType type = Shard.Node.Events.TypeOf(@event.GetType());
        JobEffects wants = Wants();
        wants.Events.Add(new NewEvent(type, type.Serialize(@event, json))
        {
            Key = key is null ? type.KeyOf(@event) : EventText.Check(key),
            Source = Event is null ? $"/queues/{Uri.EscapeDataString(Queue)}" : $"/subscriptions/{Uri.EscapeDataString(Queue)}",
            Correlation = Correlation,
            Cause = Text,
        });
    }

    public void Enqueue(IJob job, JobOptions? options)
    {
        JobEffects wants = Wants();
        FlowJob left = FlowJob.Of(WantedJobs.Prepare(Shard.Node.Services.Queues!, json, job, options, TraceParent), Shard.Node.Clock.Now(), Correlation);
        left.Cause = Text;
        wants.Jobs.Add(left);
    }

    public Shard Shard => shard!;

    /// <summary>What this node has it by, where its home lives on another node; null for an attempt in the home's own process.</summary>
    public Guid? Token { get; init; }

    /// <summary>The call of the handler for a home on another node that it is part of; null for an attempt in the home's own process.</summary>
    public GivenRun? Given { get; init; }

    /// <summary>Tells the home what the attempt has led to. From any thread.</summary>
    public void Report(JobReport report)
    {
        JobReport whole = Effects is null ? report : report with { Effects = Effects };
        if (Given is null)
        {
            Shard.Post(new JobReported(Number, whole));
        }
        else
        {
            Given.Report(Number, whole);
        }
    }

    /// <summary>The job (JSON); null until it is read from the store.</summary>
    public byte[]? Payload { get; set; } = payload;

    public TimeSpan Timeout => timeout;

    public void Start(string type, string? id)
        => Wants().Starts.Add(new FlowStart(new Storage.FlowKey(type, FlowNames.CheckId(id ?? Key ?? "")), Payload!) { TraceParent = TraceParent, Correlation = Correlation, Cause = Text });

    public Maybe<T> Saved<T>() => _saved is { } saved ? new Maybe<T>(json.Deserialize<T>(JsonSerializer.SerializeToUtf8Bytes(saved), $"what job {JobId.Text(Queue, Number)} saved")) : default;

    public async Task SaveAsync<T>(T details)
    {
        JsonElement saved = JsonSerializer.Deserialize<JsonElement>(json.Serialize(details, $"what job {JobId.Text(Queue, Number)} saves"));
        await TellAsync(new JobNote(saved, null, null));
        _saved = saved;
    }

    public Task ReportAsync(double? done, string? text)
    {
        if (done is not (null or (>= 0 and <= 1)))
        {
            throw new ArgumentOutOfRangeException(nameof(done), done, "The share that is done is 0 to 1.");
        }

        return TellAsync(new JobNote(null, done, text));
    }

    private async Task TellAsync(JobNote said)
    {
        if (shard is null)
        {
            return; // nobody follows it
        }

        var note = new NoteProgress(Number, Token, said) { Attempt = this };
        shard.Post(note);
        if (!await note.Task)
        {
            throw new OperationCanceledException($"Nobody wants job {JobId.Text(Queue, Number)} any more.");
        }
    }
}

/// <summary>A running job saves or reports how far it has come. The answer says whether it is still wanted.</summary>
internal sealed class NoteProgress(long number, Guid? token, JobNote note) : HomeCall<bool>
{
    /// <summary>The attempt that says so, where it runs here.</summary>
    public JobAttempt? Attempt { get; init; }

    public override string What => $"the progress of job {number:x}";

    protected override CallText Text => CallText.Of("note", (number, token!.Value, note));

    protected override IReadOnlyList<long> Took => [number];

    public override void GoElsewhere()
    {
        if (token is null)
        {
            Fail(Membership.Gone); // who has the home now runs the job again
        }
        else
        {
            base.GoElsewhere();
        }
    }

    protected override void Deliver()
    {
        bool holds = token is { } held ? Home.Leases.Has(number, held) : Attempt is not null && Home.Node.Jobs.Runs(Attempt);
        if (!holds || Home.Find(number) is not { Phase: JobPhase.Running, IsCancelling: false } job) // one that was left behind has no say
        {
            AnswerThen(false);
            return;
        }

        note.Put(job.More ??= new JobMore());
        Home.Write(job);
        Home.Followers.Progressed(job);
        AnswerThen(true);
    }
}
