namespace Perdure.CrashTests.Victim.Plans;

/// <summary>Chance that depends on a seed and a name only, so that every process plans the same.</summary>
internal sealed class Dice(long seed, string name)
{
    private readonly Random _random = new(Hash($"{seed}/{name}"));

    public bool Chance(double share) => _random.NextDouble() < share;

    /// <summary>A number from the least to the most, both included.</summary>
    public int Between(int least, int most) => _random.Next(least, most + 1);

    public TimeSpan Milliseconds(int least, int most) => TimeSpan.FromMilliseconds(Between(least, most));

    public T Pick<T>(params IReadOnlyList<T> from) => from[_random.Next(from.Count)];

    private static int Hash(string text)
    {
        uint hash = 2166136261; // FNV-1a
        foreach (char c in text)
        {
            hash = (hash ^ c) * 16777619;
        }

        return (int)hash;
    }
}
