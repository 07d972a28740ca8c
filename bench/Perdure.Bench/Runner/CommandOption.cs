using System.Globalization;
using System.Text;

namespace Perdure.Bench.Runner;

/// <summary>An option of the command line, with its line of --help.</summary>
internal sealed record CommandOption(string Name, string? Value, string What, Func<BenchOptions, string, BenchOptions> Apply)
{
    private const int NMax = 100_000_000;
    private const int ClientsMax = 100_000;
    private const int NodesMax = 16;

    /// <summary>Only workloads that name it have it.</summary>
    public bool IsSpecial { get; init; }

    public static IReadOnlyList<CommandOption> All { get; } =
    [
        new("--n", "N", "how many flows (history: steps) are measured", (o, v) => o with { N = BenchOptions.Number("--n", v, NMax) }),
        new("--clients", "C", "how many clients, each waiting for its answer before it asks again (64)", (o, v) => o with { Clients = BenchOptions.Number("--clients", v, ClientsMax) }),
        new("--store", "STORE", "sqlite (a file, fsync per commit), postgres (a server of its own, on loopback, with the settings it comes with) or memory", (o, v) => o with { Store = v }),
        new("--dir", "PATH", "where the temporary directory is made; must be on a disk (the system's, if that is on one)", (o, v) => o with { Dir = v }),
        new("--cold", null, "no warm-up (else n/10, at least 10,000)", (o, _) => o with { Cold = true }),
        new("--allocations", null, "also lists the types that were allocated most, sampled; costs time", (o, _) => o with { Allocations = true }),
        new("--bare-commit", null, "saga3: also the median latency of bare commits of one row, and how many of them a flow takes", (o, _) => o with { BareCommit = true }) { IsSpecial = true },
        new("--sweep", null, "history: flows of 10, 100, 1,000 and 10,000 steps side by side; --n is ignored", (o, _) => o with { Sweep = true }) { IsSpecial = true },
        new("--hold", null, "signal, queue: restart while all wait; memory, time to ready, and how long the next one takes", (o, _) => o with { Hold = true }) { IsSpecial = true },
        new("--limits", null, "queue: with a rate, limits and fair turns per key, none of which is ever reached", (o, _) => o with { Limits = true }) { IsSpecial = true },
        new("--only-enqueue", null, "queue: the queue is paused; no job is handled", (o, _) => o with { OnlyEnqueue = true }) { IsSpecial = true },
        new("--nodes", "K", "saga3, idle, soak: so many nodes on one PostgreSQL, all in this process; each client asks one of them", (o, v) => o with { Nodes = BenchOptions.Number("--nodes", v, NodesMax) }) { IsSpecial = true },
        new("--fill", "DIR", "signal: only start the flows, on a store in DIR that is left there (--hold runs this in a process of its own)", (o, v) => o with { Fill = v }) { IsSpecial = true },
    ];

    public static string Help(IReadOnlyList<Workload> workloads)
    {
        var text = new StringBuilder("usage: Perdure.Bench WORKLOAD [OPTION]...\nRuns one workload and prints one line of JSON last.\n\nworkloads:\n");
        foreach (Workload workload in workloads)
        {
            text.Append(CultureInfo.InvariantCulture, $"  {workload.Name,-16} {workload.What} (--n {workload.DefaultN})\n");
        }

        text.Append("\noptions:\n");
        foreach (CommandOption option in All)
        {
            text.Append(CultureInfo.InvariantCulture, $"  {option.Name + " " + option.Value,-16} {option.What}\n");
        }

        return text.Append(CultureInfo.InvariantCulture, $"  {"--help",-16} this\n\nexit codes: 0 done, 1 the run broke, 2 bad arguments, 130 interrupted\n").ToString();
    }
}
