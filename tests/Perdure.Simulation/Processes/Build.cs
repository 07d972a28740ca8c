namespace Perdure.Simulation.Processes;

/// <summary>Which code a process runs.</summary>
/// <param name="Versions">Versions of the plan's flow type, from 1 to this one.</param>
/// <param name="IsBad">Whether somebody edited a flow without giving it a new version.</param>
internal sealed record Build(int Versions, bool IsBad)
{
    public static readonly Build Good = new(2, false);
}
