using System.Reflection;
using Perdure.Storage;

namespace Perdure.Testing.Conformance;

/// <summary>What every store must do. A store that passes all checks can stand under the engine.</summary>
/// <remarks>
/// Run each check as a test of its own, over a store that is empty: with xunit as a theory over the names, with NUnit as a test case source.
/// Checks share nothing, so they may run side by side.
/// </remarks>
public static class StoreConformance
{
    /// <summary>All checks, in an order that does not change from run to run.</summary>
    public static IReadOnlyList<StoreCheck> Checks { get; } =
    [
        .. Of<ShardFacts>(), .. Of<CommitFacts>(), .. Of<ReadFacts>(), .. Of<JobFacts>(), .. Of<JobListFacts>(), .. Of<EventFacts>(), .. Of<EventListFacts>(),
    ];

    /// <summary>All checks of what a store must do besides that several nodes share (<see cref="ISharedStore"/>).</summary>
    public static IReadOnlyList<StoreCheck> SharedChecks { get; } = [.. Of<NodeFacts>()];

    /// <summary>The check of a name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static StoreCheck Get(string name)
        => Checks.Concat(SharedChecks).FirstOrDefault(check => check.Name == name) ?? throw new ArgumentException($"There is no check `{name}`.", nameof(name));

    /// <summary>Runs all checks one after the other, each over a store of its own.</summary>
    /// <param name="newStore">Gives, for each check, what connects to a store that is empty.</param>
    /// <exception cref="ExpectationException">A check failed; the message names all that did.</exception>
    public static async Task RunAllAsync(Func<Func<IStore>> newStore)
    {
        ArgumentNullException.ThrowIfNull(newStore);
        List<string> failures = [];
        foreach (StoreCheck check in Checks)
        {
            try
            {
                await check.RunAsync(newStore());
            }
            catch (ExpectationException e)
            {
                failures.Add(e.Message);
            }
        }

        Expect.That(failures.Count == 0, () => $"{failures.Count} of {Checks.Count} checks failed:\n{string.Join('\n', failures)}");
    }

    private static IEnumerable<StoreCheck> Of<TFacts>()
        where TFacts : StoreSuite, new()
    {
        foreach (MethodInfo fact in typeof(TFacts).GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
        {
            string name = fact.Name.Replace('_', ' ');
            object[][] cases = [.. fact.GetCustomAttributes<CaseAttribute>().Select(c => c.Arguments)];
            foreach (object[] arguments in cases.DefaultIfEmpty([]))
            {
                yield return new StoreCheck(arguments.Length == 0 ? name : $"{name} ({arguments[0]})", suite => (Task?)fact.Invoke(suite, arguments) ?? Task.CompletedTask, static () => new TFacts());
            }
        }
    }
}

/// <summary>One thing that every store must do.</summary>
public sealed class StoreCheck
{
    private readonly Func<StoreSuite, Task> _fact;
    private readonly Func<StoreSuite> _suite;

    internal StoreCheck(string name, Func<StoreSuite, Task> fact, Func<StoreSuite> suite)
    {
        Name = name;
        _fact = fact;
        _suite = suite;
    }

    /// <summary>What the store must do, as a sentence.</summary>
    public string Name { get; }

    /// <summary>Runs the check.</summary>
    /// <param name="connect">Makes an object over the store under test: empty the first time, and with what was committed after that.</param>
    /// <exception cref="ExpectationException">The store does not do it.</exception>
    public async Task RunAsync(Func<IStore> connect)
    {
        ArgumentNullException.ThrowIfNull(connect);
        await using StoreSuite suite = _suite();
        try
        {
            await suite.OpenAsync(connect);
            await _fact(suite);
        }
        catch (Exception e)
        {
            Exception cause = e is TargetInvocationException { InnerException: { } inner } ? inner : e;
            throw new ExpectationException($"{Name}: {cause.Message}", cause);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
