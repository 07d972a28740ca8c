using Perdure.Engine;

namespace Perdure.Simulation.Stores;

/// <summary>How badly the store behaves now.</summary>
internal sealed class StoreFaults(ReplayRandom chance)
{
    /// <summary>Of a thousand calls, how many fail before anything is done.</summary>
    public int FailsOf1000 { get; set; }

    /// <summary>Of a thousand calls, how many are done, but their answer is lost.</summary>
    public int LosesOf1000 { get; set; }

    /// <summary>Of a thousand calls, how many take seconds.</summary>
    public int StallsOf1000 { get; set; }

    /// <summary>Whether no call gets through.</summary>
    public bool IsOut { get; set; }

    /// <summary>Whether it can be read, and nothing else.</summary>
    public bool IsReadOnly { get; set; }

    /// <summary>Whether nothing can be written for lack of room.</summary>
    public bool IsFull { get; set; }

    public static StoreFaults Of(ReplayRandom chance)
    {
        bool isBad = chance.Next(3) == 0;
        return new StoreFaults(chance)
        {
            FailsOf1000 = chance.Next(isBad ? 60 : 15),
            LosesOf1000 = chance.Next(isBad ? 60 : 20),
            StallsOf1000 = chance.Next(isBad ? 60 : 15),
        };
    }

    public void Calm()
    {
        FailsOf1000 = LosesOf1000 = StallsOf1000 = 0;
        IsOut = IsReadOnly = IsFull = false;
    }

    public bool Fails(bool isRead) => IsOut || (IsReadOnly && !isRead) || Of1000(FailsOf1000);

    public bool Loses() => Of1000(LosesOf1000);

    /// <summary>How long one way of a call takes.</summary>
    public TimeSpan Delay() => TimeSpan.FromMilliseconds(Of1000(StallsOf1000) ? chance.Next(15_000) : chance.Next(3));

    private bool Of1000(int share) => share > 0 && chance.Next(1000) < share;
}
