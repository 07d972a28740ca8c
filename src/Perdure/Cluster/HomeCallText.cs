using Perdure.Client;
using Perdure.Events;
using Perdure.Queues;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Cluster;

/// <summary>What a client asks, as it stands in an inbox.</summary>
/// <param name="Verb">What.</param>
/// <param name="Arguments">What it says to that (JSON).</param>
internal readonly record struct CallText(string Verb, byte[] Arguments)
{
    public static CallText Of<T>(string verb, T arguments) => new(verb, FlowJson.SerializeAnswer(arguments));
}

/// <summary>Reads what clients on other nodes ask of the home.</summary>
internal static class HomeCallText
{
    private static readonly Dictionary<string, Func<byte[], QueueRegistry, HomeAsk?>> Verbs = new(StringComparer.Ordinal)
    {
        ["enqueue"] = static (json, registry) => JobsIn(json, registry) is { } jobs ? new EnqueueJobs(jobs, waiter: null) : null,
        ["wait"] = Of<(string Queue, long Number, int Subscriber, bool First)>(a => new JobWaiter(a.Queue, a.Number, a.Subscriber, a.First)),
        ["cancel"] = Of<(long Number, int? Subscriber, string Reason)>(a => new CancelJob(a.Number, a.Subscriber, a.Reason)),
        ["cancel-many"] = Of<(List<long> Numbers, JobStatus? Status, string Reason)>(a => new CancelJobs(a.Numbers, a.Status, a.Reason)),
        ["describe"] = Of<long>(number => new DescribeJob(number)),
        ["describe-many"] = Of<List<long>>(numbers => new DescribeJobs(numbers)),
        ["follow"] = Of<(string Queue, long Number, JobProgress? Seen)>(a => new JobFollower(a.Queue, a.Number) { Seen = a.Seen }),
        ["note"] = Of<(long Number, Guid Token, JobNote Note)>(a => new NoteProgress(a.Number, a.Token, a.Note)),
        ["pull"] = OfQueue<(string Queue, string Worker, int Max, TimeSpan Wait)>(a => a.Queue, a => new PullJobs(a.Queue, a.Worker, a.Max, a.Wait)),
        ["report"] = static (json, registry) => ReportIn(json, registry),
        ["release"] = Of<(long Number, Guid Token)>(a => new ReleaseLeased(a.Number, a.Token)),
        ["renew"] = Of<(long Number, Guid Token, JobNote? Note)>(a => new RenewLease(a.Number, a.Token, a.Note)),
        ["redrive"] = OfQueue<(string Queue, List<long> Numbers, Dictionary<long, DateTimeOffset>? Times, EditedJob? Edit)>(a => a.Queue, a => new RedriveJobs(a.Queue, a.Numbers, a.Times, a.Edit)),
        ["discard"] = Of<(string Queue, List<long> Numbers)>(a => new DiscardJobs(a.Queue, a.Numbers)),
        ["mode"] = OfQueue<(string Queue, QueueMode Mode)>(a => a.Queue, a => new SetQueueMode(a.Queue, a.Mode)),
        ["policy"] = OfQueue<string>(queue => queue, queue => new ReadPolicy(queue)),
        ["change-policy"] = OfQueue<(string Queue, QueueOptions From, QueueOptions To)>(a => a.Queue, a => new ChangePolicy(a.Queue, a.From, a.To)),
        ["reset-policy"] = OfQueue<string>(queue => queue, queue => new ResetPolicy(queue)),
        ["stats"] = OfQueue<(string Queue, int? Priority)>(a => a.Queue, a => new ReadStats(a.Queue, a.Priority)),
        ["pause-schedule"] = OfSchedule<(string Schedule, bool Paused)>(a => a.Schedule, a => new PauseSchedule(a.Schedule, a.Paused)),
        ["trigger"] = OfSchedule<string>(schedule => schedule, schedule => new TriggerSchedule(schedule)),
        ["backfill"] = OfSchedule<(string Schedule, DateTimeOffset From, DateTimeOffset To)>(a => a.Schedule, a => new BackfillSchedule(a.Schedule, a.From, a.To)),
        ["describe-schedule"] = OfSchedule<string>(schedule => schedule, schedule => new DescribeSchedule(schedule)),
        ["publish"] = static (json, registry) => EventsIn(json, registry),
        ["count-ids"] = Of<string>(topic => new CountIds(topic)),
        ["subscription"] = Of<string>(subscription => new ReadSubscription(subscription)),
        ["rewind"] = Of<(string Subscription, Dictionary<string, long?> Done)>(a => new RewindSubscription(a.Subscription, a.Done)),
        ["remove-subscription"] = Of<string>(subscription => new RemoveSubscription(subscription)),
    };

    /// <summary>The message that a client on this node would have posted; null where what it is about is not known here.</summary>
    public static HomeAsk? Read(InboxRow row, QueueRegistry registry)
        => Verbs.TryGetValue(row.Name!, out Func<byte[], QueueRegistry, HomeAsk?>? read) ? read(row.Payload!, registry) : null;

    public static byte[] Write(IReadOnlyList<NewJob> jobs) => FlowJson.SerializeAnswer(jobs.Select(j => FlowJob.Of(j).Write()).ToList());

    private static Func<byte[], QueueRegistry, HomeAsk?> Of<T>(Func<T, HomeAsk> read) => (json, _) => read(FlowJson.DeserializeAnswer<T>(json));

    private static Func<byte[], QueueRegistry, HomeAsk?> OfQueue<T>(Func<T, string> queueOf, Func<T, HomeAsk> read)
        => Known<T>((registry, a) => registry.Queues.ContainsKey(queueOf(a)), read);

    private static Func<byte[], QueueRegistry, HomeAsk?> OfSchedule<T>(Func<T, string> scheduleOf, Func<T, HomeAsk> read)
        => Known<T>((registry, a) => registry.Schedules.ContainsKey(scheduleOf(a)), read);

    private static Func<byte[], QueueRegistry, HomeAsk?> Known<T>(Func<QueueRegistry, T, bool> isKnown, Func<T, HomeAsk> read) => (json, registry) =>
    {
        T arguments = FlowJson.DeserializeAnswer<T>(json);
        return isKnown(registry, arguments) ? read(arguments) : null;
    };

    private static List<NewJob>? JobsIn(byte[] json, QueueRegistry registry)
    {
        List<NewJob> jobs = [];
        foreach (FlowJob job in FlowJson.DeserializeAnswer<List<byte[]>>(json).Select(FlowJob.Read))
        {
            if (registry.Find(job.Type) is not { } type || !registry.Queues.ContainsKey(job.Queue))
            {
                return null;
            }

            jobs.Add(job.ToNew(type));
        }

        return jobs;
    }

    private static ReportLeased? ReportIn(byte[] json, QueueRegistry registry)
    {
        (long number, Guid token, SentReport report) = FlowJson.DeserializeAnswer<(long, Guid, SentReport)>(json);
        return report.ToReport(registry.Events) is { } read ? new ReportLeased(number, token, read) : null;
    }

    private static PublishEvents? EventsIn(byte[] json, QueueRegistry registry)
    {
        (List<SentEvent> sent, List<long> seen) = FlowJson.DeserializeAnswer<(List<SentEvent>, List<long>)>(json);
        List<NewEvent> events = [.. sent.Select(e => e.ToNew(registry.Events)).OfType<NewEvent>()];
        return events.Count == sent.Count ? new PublishEvents(events, seen) : null;
    }
}
