using Perdure.Bench.Runner;

namespace Perdure.Bench.Workloads;

/// <summary>All workloads.</summary>
internal static class Catalog
{
    public static IReadOnlyList<Workload> All { get; } =
    [
        Saga3.Workload,
        Compensate.Workload,
        WaitForSignal.Workload,
        Sleep.Workload,
        History.Workload,
        Floor.Workload,
        Queue.Workload,
        QueueFloor.Workload,
        Pictures.Workload,
        Publish.Workload,
        Idle.Workload,
        Soak.Workload,
    ];
}
