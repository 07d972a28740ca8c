using Perdure.Engine;

namespace Perdure.Worker;

/// <summary>The dependencies that the application named, and which services belong to them.</summary>
internal sealed class DependencyRegistry
{
    private readonly List<DependencyName> _all = [];
    private readonly Dictionary<Type, DependencyName> _byService = [];

    public IReadOnlyList<DependencyName> All => _all;

    /// <summary>Names a dependency; one that was named before is the same.</summary>
    public DependencyName Add(string name)
    {
        if (Find(StepName.Check(name)) is not { } dependency)
        {
            dependency = new DependencyName(name, _all.Count, new DependencyOptions());
            _all.Add(dependency);
        }

        return dependency;
    }

    /// <summary>Says that a service belongs to a dependency.</summary>
    public void Add(Type service, DependencyName dependency) => _byService[service] = dependency;

    public DependencyName? Find(string name) => _all.Find(d => d.Name == name);

    public DependencyName? Find(Type service) => _byService.Count == 0 ? null : _byService.GetValueOrDefault(service);

    /// <summary>Says which names there are, where one was looked for that there is not.</summary>
    public string Missing(string name)
        => $"there is no dependency {name}: add it with AddDependency. There {(_all.Count == 0 ? "is none" : $"are: {string.Join(", ", _all.Select(d => d.Name))}")}.";

    /// <exception cref="PerdureException">An option is out of its range (PRD4004).</exception>
    public void Check() => _all.ForEach(d => d.Options.Check(d.Name));
}

/// <summary>A dependency as the application named it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Index">Counted from 0.</param>
/// <param name="Options">Its limits.</param>
internal sealed record DependencyName(string Name, int Index, DependencyOptions Options);
