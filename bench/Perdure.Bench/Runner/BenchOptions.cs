using System.Globalization;

namespace Perdure.Bench.Runner;

/// <summary>What the command line asked for.</summary>
internal sealed record BenchOptions
{
    private const int WarmUpMin = 10_000;

    public required string Workload { get; init; }

    public required int N { get; init; }

    public int Clients { get; init; } = 64;

    public required string Store { get; init; }

    public string? Dir { get; init; }

    public bool Cold { get; init; }

    public bool Allocations { get; init; }

    public bool BareCommit { get; init; }

    public bool Sweep { get; init; }

    public bool Hold { get; init; }

    public bool Limits { get; init; }

    public bool OnlyEnqueue { get; init; }

    /// <summary>So many nodes that share the store, all in this process; 0 for a process that is alone.</summary>
    public int Nodes { get; init; }

    public string? Fill { get; init; }

    /// <summary>How many to run before the clock starts, so that the JIT has settled.</summary>
    public int WarmUp => Cold ? 0 : Math.Max(WarmUpMin, N / 10);

    /// <summary>A warm-up one at a time would only be slow.</summary>
    public int WarmUpClients => Math.Max(Clients, 64);

    /// <exception cref="BadArgumentException">Something is missing, unknown or out of its bounds.</exception>
    public static BenchOptions Parse(IReadOnlyList<string> args, IReadOnlyList<Workload> workloads)
    {
        if (args.Count == 0)
        {
            throw new BadArgumentException("a workload is missing; --help lists them");
        }

        Workload workload = workloads.FirstOrDefault(w => w.Name == args[0])
            ?? throw new BadArgumentException($"{args[0]}: no such workload; there are {string.Join(", ", workloads.Select(w => w.Name))}");
        var options = new BenchOptions { Workload = workload.Name, N = workload.DefaultN, Store = workload.Stores[0] };
        for (int i = 1; i < args.Count; i++)
        {
            string name = args[i];
            CommandOption option = CommandOption.All.FirstOrDefault(o => o.Name == name && (!o.IsSpecial || workload.Options.Contains(o.Name)))
                ?? throw new BadArgumentException($"{name}: {workload.Name} has no such option; --help lists them");
            string value = option.Value is null ? "" : ++i < args.Count ? args[i] : throw new BadArgumentException($"{name}: its value is missing");
            options = option.Apply(options, value);
        }

        if (options is { Store: "postgres", Hold: true } or { Store: "postgres", Fill: not null })
        {
            throw new BadArgumentException("--hold: the server would have to outlive the process that fills it; take another store");
        }

        if (options is { Nodes: > 0, Store: not "postgres" })
        {
            throw new BadArgumentException("--nodes: nodes share a store on PostgreSQL only; add --store postgres");
        }

        return workload.Stores.Contains(options.Store)
            ? options
            : throw new BadArgumentException($"--store {options.Store}: {workload.Name} runs on {string.Join(" or ", workload.Stores)}");
    }

    internal static int Number(string name, string value, int max)
        => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= 1 && number <= max
            ? number
            : throw new BadArgumentException($"{name} {value}: a whole number from 1 to {max.ToString(CultureInfo.InvariantCulture)} is needed");
}
