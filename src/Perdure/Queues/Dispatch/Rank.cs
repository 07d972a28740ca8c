namespace Perdure.Queues;

/// <summary>An effective priority, exactly: a fraction, so that queues that age differently can be compared.</summary>
internal readonly record struct Rank(Int128 Amount, long Scale)
{
    public static Rank Of(QueuePolicy policy, long level, long change, long now)
        => new((Int128)level + ((Int128)change * policy.Scale) - (policy.Ageing == 0 ? 0 : now), policy.Scale);

    public int CompareTo(Rank other) => (Amount * other.Scale).CompareTo(other.Amount * Scale);

    /// <summary>Whether it is this priority or better.</summary>
    public bool IsWithin(int priority) => Amount <= (Int128)priority * Scale;
}
