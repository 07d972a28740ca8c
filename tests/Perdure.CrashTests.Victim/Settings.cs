using System.Globalization;
using Perdure.CrashTests.Victim.Plans;

namespace Perdure.CrashTests.Victim;

/// <summary>What a victim is told when it is started.</summary>
/// <param name="Folder">Where its store and its ledgers are.</param>
/// <param name="Seed">What its flows are made from.</param>
/// <param name="Flows">How many flows it starts.</param>
/// <param name="Life">Counts the processes on this store.</param>
internal sealed record Settings(string Folder, long Seed, int Flows, int Life)
{
    public string Store => Path.Combine(Folder, "flows.db");

    public string Log => Path.Combine(Folder, $"log-{Life.ToString(CultureInfo.InvariantCulture)}.txt");

    public IEnumerable<string> Arguments => [Folder, Seed.ToString(CultureInfo.InvariantCulture), Flows.ToString(CultureInfo.InvariantCulture), Life.ToString(CultureInfo.InvariantCulture)];

    public static Settings Of(string[] arguments) => new(arguments[0], long.Parse(arguments[1], CultureInfo.InvariantCulture), int.Parse(arguments[2], CultureInfo.InvariantCulture), int.Parse(arguments[3], CultureInfo.InvariantCulture));

    /// <summary>Sets the engine up in a way that depends on the seed: few shards or many, all flows in memory or hardly any.</summary>
    public void Configure(PerdureOptions options)
    {
        var dice = new Dice(Seed, "options");
        options.ShardCount = dice.Pick(1, 2, 4, 16);
        options.Loops = dice.Between(1, 3);
        options.FlowsInMemoryMax = dice.Pick(1, 8, 20_000);
        options.ShutdownGrace = TimeSpan.FromSeconds(5);

        // A machine that is busy with other things must not be taken for flow code that blocks.
        options.BlockingWaitMax = TimeSpan.FromSeconds(10);
        options.TurnTimeMax = TimeSpan.FromSeconds(30);
    }
}
