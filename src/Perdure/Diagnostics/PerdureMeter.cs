using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Perdure.Queues;

namespace Perdure.Diagnostics;

/// <summary>The meter <c>Perdure</c>. docs/guides/watching.md lists its instruments.</summary>
internal static class PerdureMeter
{
    public const string Name = "Perdure";

    private static readonly Meter Meter = new(Name);
    private static readonly Counter<long> Started = Meter.CreateCounter<long>("perdure.flow.started", "{flow}", "Runs that were started.");
    private static readonly Counter<long> Ended = Meter.CreateCounter<long>("perdure.flow.ended", "{flow}", "Runs that ended, by status.");
    private static readonly Counter<long> Stuck = Meter.CreateCounter<long>("perdure.flow.stuck", "{flow}", "Times that a run got stuck.");
    private static readonly Histogram<double> Duration = Meter.CreateHistogram<double>("perdure.flow.duration", "s", "From start to end of a run.");
    private static readonly Histogram<double> AttemptDuration = Meter.CreateHistogram<double>("perdure.step.attempt.duration", "s", "One attempt of a step.");

    private static readonly Counter<long> JobsEnqueued = Meter.CreateCounter<long>("perdure.job.enqueued", "{job}", "Jobs that came.");
    private static readonly Counter<long> JobsEnded = Meter.CreateCounter<long>("perdure.job.ended", "{job}", "Jobs that ended, by status.");
    private static readonly Histogram<double> JobAge = Meter.CreateHistogram<double>("perdure.job.age", "s", "From coming to end of a job.");
    private static readonly Counter<long> Published = Meter.CreateCounter<long>("perdure.event.published", "{event}", "Events that were published, by topic.");
    private static readonly Counter<long> Unclaimed = Meter.CreateCounter<long>("perdure.event.unclaimed", "{event}", "Events that no flow took in time, or that more waited for than were expected.");
    private static readonly Counter<long> BridgedOut = Meter.CreateCounter<long>("perdure.bridge.out", "{event}", "Events that a broker confirmed to a bridge.");
    private static readonly Counter<long> BridgedIn = Meter.CreateCounter<long>("perdure.bridge.in", "{event}", "Events that a bridge brought in, without duplicates.");
    private static readonly Counter<long> SetAside = Meter.CreateCounter<long>("perdure.bridge.set_aside", "{message}", "Messages that a bridge set aside as dead letters, by code.");
    private static readonly Counter<long> Opened = Meter.CreateCounter<long>("perdure.dependency.opened", "{opening}", "Times that a breaker opened.");
    private static readonly UpDownCounter<int> Open = Meter.CreateUpDownCounter<int>("perdure.dependency.open", "{breaker}", "Breakers that are open now.");
    private static readonly Histogram<double> Waits = Meter.CreateHistogram<double>("perdure.dependency.wait", "s", "A step's wait for its dependency, where there was one.");

    private static readonly ConditionalWeakTable<Home, QueueGauges> Homes = [];
    public static readonly ObservableGauge<int> QueueDepth = Meter.CreateObservableGauge("perdure.queue.depth", static () => Observe(asks: true, static q => q.Depth), "{job}", "Jobs that wait in a queue.");
    public static readonly ObservableGauge<double> QueueOldest = Meter.CreateObservableGauge("perdure.queue.oldest", static () => Observe(asks: false, static q => q.OldestWait?.TotalSeconds ?? 0), "s", "For how long the oldest job that waits for its turn has been there.");

    public static bool CountsAttempts => AttemptDuration.Enabled;

    public static void FlowStarted(string type)
    {
        if (Started.Enabled)
        {
            Started.Add(1, new KeyValuePair<string, object?>("flow.type", type));
        }
    }

    public static void FlowEnded(string type, FlowStatus status, TimeSpan duration)
    {
        if (Ended.Enabled || Duration.Enabled)
        {
            var tags = new TagList { { "flow.type", type }, { "flow.status", status.ToString() } };
            Ended.Add(1, tags);
            Duration.Record(duration.TotalSeconds, tags);
        }
    }

    public static void FlowStuck(string type) => Stuck.Add(1, new KeyValuePair<string, object?>("flow.type", type));

    /// <summary>Shows a home's queues for as long as it is there.</summary>
    public static void Show(Home home, QueueGauges gauges) => Homes.Add(home, gauges);

    public static void EventPublished(string topic)
    {
        if (Published.Enabled)
        {
            Published.Add(1, new KeyValuePair<string, object?>("event.topic", topic));
        }
    }

    public static void EventUnclaimed(string topic) => Unclaimed.Add(1, new KeyValuePair<string, object?>("event.topic", topic));

    public static void EventBridgedOut(string bridge) => BridgedOut.Add(1, new KeyValuePair<string, object?>("bridge.name", bridge));

    public static void EventsBridgedIn(string bridge, int count) => BridgedIn.Add(count, new KeyValuePair<string, object?>("bridge.name", bridge));

    public static void MessageSetAside(string bridge, string code)
        => SetAside.Add(1, new KeyValuePair<string, object?>("bridge.name", bridge), new KeyValuePair<string, object?>("error.code", code));

    public static void JobEnqueued(string queue)
    {
        if (JobsEnqueued.Enabled)
        {
            JobsEnqueued.Add(1, new KeyValuePair<string, object?>("job.queue", queue));
        }
    }

    public static void JobEnded(string queue, JobStatus status, TimeSpan age)
    {
        if (JobsEnded.Enabled || JobAge.Enabled)
        {
            var tags = new TagList { { "job.queue", queue }, { "job.status", status.ToString() } };
            JobsEnded.Add(1, tags);
            JobAge.Record(age.TotalSeconds, tags);
        }
    }

    public static void BreakerOpened(string dependency)
    {
        Opened.Add(1, new KeyValuePair<string, object?>("dependency.name", dependency));
        Open.Add(1, new KeyValuePair<string, object?>("dependency.name", dependency));
    }

    public static void BreakerClosed(string dependency) => Open.Add(-1, new KeyValuePair<string, object?>("dependency.name", dependency));

    public static void Waited(string dependency, TimeSpan duration) => Waits.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("dependency.name", dependency));

    private static List<Measurement<T>> Observe<T>(bool asks, Func<QueueGauge, T> value)
        where T : struct
    {
        List<Measurement<T>> measured = [];
        foreach ((_, QueueGauges gauges) in Homes)
        {
            measured.AddRange(gauges.Latest.Select(q => new Measurement<T>(value(q), new KeyValuePair<string, object?>("job.queue", q.Queue))));
            if (asks)
            {
                gauges.Ask();
            }
        }

        return measured;
    }

    public static void Attempted(string step, TimeSpan duration)
    {
        AttemptDuration.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("step.name", step));
    }
}
