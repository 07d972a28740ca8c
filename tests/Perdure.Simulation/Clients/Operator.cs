using Perdure.Engine;
using Perdure.Simulation.Seen;
using Perdure.Storage;
using Perdure.Testing.Virtual;

namespace Perdure.Simulation.Clients;

/// <summary>The person who looks after stuck runs: retries them, settles undos by hand, and ends what cannot be helped.</summary>
internal sealed class Operator(World world, Clients clients, NodeProcesses cluster, Observed observed, ReplayRandom chance)
{
    private const int RetriesMax = 3;

    private readonly Dictionary<FlowKey, int> _helped = [];

    /// <summary>Whether faults have stopped, so that what cannot be helped now never can be.</summary>
    public bool IsCalm { get; set; }

    public bool HasGone { get; set; }

    public async Task WorkAsync()
    {
        while (!HasGone)
        {
            await Task.Delay(TimeSpan.FromSeconds(IsCalm ? 5 : chance.Next(5, 60)), world.Outside.Time);
            foreach (FlowInfo stuck in await StuckAsync())
            {
                await HelpAsync(new FlowKey(stuck.Type, stuck.Id), stuck.StuckCode!);
            }
        }
    }

    private async Task<List<FlowInfo>> StuckAsync()
    {
        List<FlowInfo> stuck = [];
        if (cluster.Any() is { } process)
        {
            await foreach (FlowInfo flow in process.Client.ListAsync(new FlowFilter { Statuses = [FlowStatus.Stuck] }))
            {
                stuck.Add(flow);
            }
        }

        return stuck;
    }

    private async Task HelpAsync(FlowKey flow, string code)
    {
        int helped = _helped[flow] = _helped.GetValueOrDefault(flow) + 1;
        observed.Mark($"a run was stuck with {code}");

        if (helped > RetriesMax && IsCalm)
        {
            await clients.AskAsync(ClientVerb.Terminate, flow, async handle =>
            {
                await handle.TerminateAsync("the operator gives up");
                return null;
            });
        }
        else if (code == Diagnostics.ErrorCodes.UndoRejected && helped % 2 == 0)
        {
            await clients.AskAsync(ClientVerb.SkipUndo, flow, async handle =>
            {
                await handle.SkipUndoAsync("done by hand");
                return null;
            });
        }
        else
        {
            await clients.AskAsync(ClientVerb.Retry, flow, async handle =>
            {
                await handle.RetryAsync();
                return null;
            });
        }
    }
}
