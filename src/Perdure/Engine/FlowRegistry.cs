using System.Collections.Frozen;
using Perdure.Diagnostics;

namespace Perdure.Engine;

/// <summary>The flow types that this process has code for.</summary>
internal sealed class FlowRegistry
{
    private readonly FrozenDictionary<string, FlowDefinition[]> _byName;
    private readonly FrozenDictionary<Type, FlowDefinition> _byClass;

    public FlowRegistry(IEnumerable<FlowDefinition> definitions)
    {
        FlowDefinition[] all = definitions.ToArray();
        if (all.GroupBy(d => (d.Name, d.Version)).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new PerdureException(ErrorCodes.DuplicateFlowType, $"two flow types are registered as {twice.First()}: give one another name or version, with [Named] or in AddFlow.");
        }

        _byName = all.GroupBy(d => d.Name).ToFrozenDictionary(g => g.Key, g => g.OrderByDescending(d => d.Version).ToArray(), StringComparer.Ordinal);
        _byClass = all.Where(d => d.FlowClass is not null).GroupBy(d => d.FlowClass!).ToFrozenDictionary(g => g.Key, g => g.MaxBy(d => d.Version)!);
    }

    public IEnumerable<FlowDefinition> All => _byName.Values.SelectMany(d => d);

    public FlowDefinition? Find(string name, int version) => _byName.GetValueOrDefault(name)?.FirstOrDefault(d => d.Version == version);

    public FlowDefinition? Newest(string name) => _byName.GetValueOrDefault(name)?[0];

    public FlowDefinition OfClass<TFlow>()
        where TFlow : IFlow
        => _byClass.GetValueOrDefault(typeof(TFlow)) ?? throw Unknown(typeof(TFlow).Name);

    public FlowDefinition OfName<TIn, TOut>(string name)
    {
        FlowDefinition definition = Newest(name) ?? throw Unknown(name);
        return definition.InputType == typeof(TIn) && definition.ResultType == typeof(TOut)
            ? definition
            : throw new PerdureException(ErrorCodes.UnknownFlowType, $"flow type {name} takes {definition.InputType.Name} and returns {definition.ResultType.Name}, not {typeof(TIn).Name} and {typeof(TOut).Name}.");
    }

    private PerdureException Unknown(string what)
        => new(ErrorCodes.UnknownFlowType, $"no flow type {what} is registered: add it with AddFlow. Registered are: {string.Join(", ", _byName.Keys.Order(StringComparer.Ordinal).DefaultIfEmpty("none"))}.");
}
