using Perdure.Queues;

namespace Perdure.Tests.Queues;

/// <summary>Policies, pools and jobs by chance, small enough that their limits meet often.</summary>
internal sealed class RandomPolicy(Random random)
{
    public static readonly string[] Pools = ["gpu", "crew", "db"];

    private static readonly TimeWindow[] Windows =
    [
        new(new TimeOnly(9, 0), new TimeOnly(17, 0), "UTC"),
        new(new TimeOnly(22, 0), new TimeOnly(6, 0), "Europe/Berlin"),
        new(new TimeOnly(12, 0), new TimeOnly(12, 1), "UTC"),
        new(new TimeOnly(0, 0), new TimeOnly(0, 0), "UTC") { Days = DaysOfWeek.Saturday },
    ];

    private static readonly string?[] Keys = [null, "a", "b", "bb", "c", "d"];

    public QueueOptions Queue(TimeSpan? ageing)
    {
        bool inOrder = Chance(4);
        return new QueueOptions
        {
            Concurrency = Chance(3) ? null : random.Next(1, 6),
            Rate = Rate(4),
            ConcurrencyPerKey = inOrder ? null : Chance(2) ? random.Next(1, 3) : null,
            RatePerKey = Rate(3),
            InOrder = inOrder,
            FairKeys = Chance(3),
            Ageing = Chance(2) ? null : ageing,
            PriorityRules = [.. Enumerable.Range(0, Chance(2) ? random.Next(1, 4) : 0).Select(_ => Rule())],
            Uses = [.. Pools.Where(_ => Chance(3)).Select(p => new PoolUse(p, random.Next(1, 5)))],
            OpenHours = Chance(6) ? OpenHours.Of(Windows[random.Next(Windows.Length)]) : null,
        };
    }

    public PoolOptions Pool()
    {
        int capacity = random.Next(1, 8);
        return new PoolOptions
        {
            Capacity = capacity,
            SaturatedAt = Chance(2) ? random.Next(1, capacity + 1) : null,
            AdmittedPriority = random.Next(-2, 3),
            Sheds = Chance(2),
        };
    }

    public Job Job(long number, string queue, DateTimeOffset now) => new(number, queue, Chance(2) ? "t" : "u")
    {
        Key = Keys[random.Next(Keys.Length)],
        Priority = random.Next(-2, 4),
        CreatedAt = now - TimeSpan.FromMilliseconds(random.Next(3) * random.Next(20_000)),
    };

    /// <summary>How far time goes between two questions; now and then back.</summary>
    public TimeSpan Step() => random.Next(12) switch
    {
        < 5 => TimeSpan.Zero,
        < 8 => TimeSpan.FromMilliseconds(random.Next(1, 1_000)),
        < 10 => TimeSpan.FromSeconds(random.Next(1, 30)),
        10 => TimeSpan.FromMinutes(random.Next(1, 600)),
        _ => TimeSpan.FromSeconds(-random.Next(1, 100)),
    };

    public bool Chance(int oneIn) => random.Next(oneIn) == 0;

    private Rate? Rate(int oneIn) => Chance(oneIn) ? new Rate(random.Next(1, 4), TimeSpan.FromSeconds(random.Next(1, 20))) { Burst = random.Next(1, 4) } : null;

    private PriorityRule Rule() => new(Windows[random.Next(Windows.Length)], random.Next(-4, 5))
    {
        Type = Chance(3) ? "t" : null,
        KeyPrefix = Chance(3) ? "b" : null,
        PriorityFrom = Chance(3) ? random.Next(-2, 4) : null,
    };
}
