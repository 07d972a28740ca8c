using System.Globalization;
using Perdure.Engine;
using Perdure.Simulation.Events;

namespace Perdure.Simulation.Plans;

/// <summary>Waits for an event of one type and key.</summary>
internal sealed record WaitPart<TEvent>(string Key, int LimitSeconds, bool Tries, Func<TEvent, string> KeyOf) : PlanPart
    where TEvent : IMarked
{
    public override async Task RunAsync(Play play)
    {
        var limit = TimeSpan.FromSeconds(LimitSeconds);
        Maybe<TEvent> came = Tries ? await play.Flow.TryEvent<TEvent>(Key, limit) : new Maybe<TEvent>(await play.Flow.Event<TEvent>(Key, limit));
        if (came.TryGet(out TEvent? some))
        {
            play.MustBe(KeyOf(some) == Key, $"a wait for {typeof(TEvent).Name} {Key} got {some}");
            play.Saw($"{some.N}");
        }
    }
}

/// <summary>Publishes an event.</summary>
internal sealed record PublishPart(IMarked Event) : PlanPart
{
    public override Task RunAsync(Play play)
    {
        play.Flow.Publish<object>(Event);
        return Task.CompletedTask;
    }
}

/// <summary>Makes the plan of a run that waits for events and publishes some. What it publishes carries numbers that no other run's does.</summary>
internal sealed class ListeningPlan(ReplayRandom chance, int firstNumber)
{
    private const int FirstNumber = 10_000_000;
    private const int FirstNumberOfOpened = 20_000_000;
    private const int NumbersPerRun = 1_000;

    private int _numbers = firstNumber;

    /// <summary>Whether an event of this number is one that a flow publishes.</summary>
    public static bool IsOfFlow(int number) => number > FirstNumber;

    /// <summary>The plan of a run that a client starts.</summary>
    public static PlanPart Of(PlanInput input, string id) => Of((ulong)input.Seed, FirstNumber + (NumbersPerRun * NumberIn(id)));

    /// <summary>The plan of a run that an event starts.</summary>
    public static PlanPart Of(Opened opened, string id) => Of((ulong)opened.N, FirstNumberOfOpened + (NumbersPerRun * NumberIn(id)));

    private static SequencePart Of(ulong seed, int firstNumber)
    {
        var plan = new ListeningPlan(new ReplayRandom(ReplayRandom.Mix(seed)), firstNumber);
        return new SequencePart([.. Enumerable.Range(0, plan.Between(1, 4)).Select(_ => plan.Part())]);
    }

    private static int NumberIn(string id) => int.Parse(id.AsSpan(1), CultureInfo.InvariantCulture);

    private PlanPart Part() => Between(0, 15) switch
    {
        0 or 1 or 2 => Caught(Wait()),
        3 or 4 or 5 => Publish(),
        6 or 7 => new FirstPart([Caught(Wait()), Caught(Wait())]),
        8 => new FirstPart([Caught(Wait()), new DelayPart(Between(0, 20))]),
        9 or 10 => new ParallelPart([Caught(Wait()), Caught(Wait()), Publish()]),
        11 => Caught(new RegionPart(Between(1, 20), Wait())),
        12 => new LoosePart(Caught(Wait())),
        13 => new DelayPart(Between(0, 10)),
        _ => new SequencePart([Publish(), Caught(Wait())]),
    };

    private static CaughtPart Caught(PlanPart body) => new(body, Undoes: false);

    private PlanPart Wait()
    {
        string key = $"k{Between(0, EventPlan.KeysMax - 1)}";
        int limit = Between(0, 5) == 0 ? 0 : Between(1, 60);
        bool tries = Between(0, 1) == 0;
        return Between(0, 3) == 0 ? new WaitPart<Gong>(key, limit, tries, e => e.Key) : new WaitPart<Ping>(key, limit, tries, e => e.Key);
    }

    private PublishPart Publish() => new(AnyEvents.Of(chance, ++_numbers, Between(0, 2)));

    private int Between(int least, int most) => chance.Next(least, most + 1);
}
