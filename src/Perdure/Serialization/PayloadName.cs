using Perdure.Storage;

namespace Perdure.Serialization;

/// <summary>What a payload is, in words for an error; put together only when there is one.</summary>
/// <param name="Of">What it is, such as "the result of step".</param>
/// <param name="Name">Whose it is.</param>
/// <param name="Id">The id of the flow whose it is; null where it is no flow's.</param>
internal readonly record struct PayloadName(string Of, string Name, string? Id = null)
{
    public PayloadName(string of, FlowKey key)
        : this(of, key.Type, key.Id)
    {
    }

    public override string ToString() => Name.Length == 0 ? Of : Id is null ? $"{Of} {Name}" : $"{Of} {new FlowKey(Name, Id)}";

    /// <summary>Words that are at hand, or made where nobody counts.</summary>
    public static implicit operator PayloadName(string what) => new(what, "");
}
