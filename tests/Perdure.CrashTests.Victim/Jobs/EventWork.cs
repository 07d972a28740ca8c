using System.Globalization;

namespace Perdure.CrashTests.Victim.Jobs;

/// <summary>An event of the victim's.</summary>
internal sealed record VictimEvent(string Name, string Key);

/// <summary>Events that two subscriptions hear of, one of them in order per key. Publishers that were killed publish again under the same id.</summary>
internal sealed class EventWork(JobLog log) : Work(log, Ordered, Loose)
{
    private const string Ordered = "ordered-hearer";
    private const string Loose = "hearer";

    private static readonly string[] Subscriptions = [Ordered, Loose];

    public override void AddTo(PerdureBuilder perdure) => perdure
        .AddEvent<VictimEvent>(e => e.Key, topic: "said")
        .AddQueue(Ordered, q => (q.InOrder, q.Retry) = (true, Again))
        .AddQueue(Loose, q => q.Retry = Again)
        .Subscribe<VictimEvent>(Ordered, (said, context) => HearAsync(Ordered, said, context))
        .Subscribe<VictimEvent>(Loose, (said, context) => HearAsync(Loose, said, context));

    public override Task MakeAsync(PerdureClient client) => Task.WhenAll(Enumerable.Range(0, 3).Select(key => PublishAsync(client, key.ToString(CultureInfo.InvariantCulture))));

    public override async Task<bool> IsOverAsync(PerdureClient client)
    {
        foreach (string subscription in Subscriptions)
        {
            if ((await client.Subscription(subscription).DescribeAsync()).Lag > 0)
            {
                return false;
            }
        }

        return await base.IsOverAsync(client);
    }

    protected override string LaneOf(JobInfo job) => $"{job.Queue}-{job.Key}";

    private async Task PublishAsync(PerdureClient client, string key)
    {
        for (int number = 0; number < 30; number++)
        {
            var said = new VictimEvent($"{key}/{number.ToString(CultureInfo.InvariantCulture)}", key);
            if (Log.Before.Any(l => l.Verb == JobVerb.Made && l.Name == Heard(Loose, said, 0).Name))
            {
                continue;
            }

            PublishedEvent published = await client.PublishAsync(said, new PublishOptions { Id = said.Name });
            foreach (string subscription in Subscriptions.Reverse()) // the one that is looked for comes last
            {
                Log.Write(JobVerb.Made, Heard(subscription, said, (int)published.Position));
            }
        }
    }

    private async Task HearAsync(string subscription, VictimEvent said, JobContext context)
    {
        VictimJob heard = Heard(subscription, said, (int)context.Event!.Position);
        Log.Write(JobVerb.Began, heard);
        await Task.Delay(Takes, context);
        if ((heard.Number + context.Attempt) % 5 == 0)
        {
            throw new IOException("this time it fails");
        }

        Log.Write(JobVerb.Done, heard);
    }

    private static VictimJob Heard(string subscription, VictimEvent said, int position) => new($"{subscription} {said.Name}", $"{subscription}-{said.Key}", position);
}
