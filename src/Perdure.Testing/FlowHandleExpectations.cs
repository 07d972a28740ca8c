namespace Perdure.Testing;

/// <summary>What a test expects of a run, asked of its handle: each reads the run's description and passes it on, so that more can be said of it.</summary>
public static class FlowHandleExpectations
{
    /// <inheritdoc cref="FlowExpectations.ShouldHaveEndedAs"/>
    public static async Task<FlowDescription> ShouldHaveEndedAsAsync(this FlowHandle run, FlowStatus status) => (await Describe(run)).ShouldHaveEndedAs(status);

    /// <inheritdoc cref="FlowExpectations.ShouldHaveCompleted"/>
    public static async Task<FlowDescription> ShouldHaveCompletedAsync(this FlowHandle run) => (await Describe(run)).ShouldHaveCompleted();

    /// <inheritdoc cref="FlowExpectations.ShouldHaveRun"/>
    public static async Task<FlowDescription> ShouldHaveRunAsync(this FlowHandle run, string step, int? times = null) => (await Describe(run)).ShouldHaveRun(step, times);

    /// <inheritdoc cref="FlowExpectations.ShouldNotHaveRun"/>
    public static async Task<FlowDescription> ShouldNotHaveRunAsync(this FlowHandle run, string step) => (await Describe(run)).ShouldNotHaveRun(step);

    /// <inheritdoc cref="FlowExpectations.ShouldHaveRunInOrder"/>
    public static async Task<FlowDescription> ShouldHaveRunInOrderAsync(this FlowHandle run, params IReadOnlyList<string> steps) => (await Describe(run)).ShouldHaveRunInOrder(steps);

    /// <inheritdoc cref="FlowExpectations.ShouldHaveTried"/>
    public static async Task<FlowDescription> ShouldHaveTriedAsync(this FlowHandle run, string step, int attempts) => (await Describe(run)).ShouldHaveTried(step, attempts);

    /// <inheritdoc cref="FlowExpectations.ShouldHaveUndone"/>
    public static async Task<FlowDescription> ShouldHaveUndoneAsync(this FlowHandle run, params IReadOnlyList<string> undos) => (await Describe(run)).ShouldHaveUndone(undos);

    /// <inheritdoc cref="FlowExpectations.ShouldHaveUndoneInOrder"/>
    public static async Task<FlowDescription> ShouldHaveUndoneInOrderAsync(this FlowHandle run, params IReadOnlyList<string> undos) => (await Describe(run)).ShouldHaveUndoneInOrder(undos);

    /// <inheritdoc cref="FlowExpectations.ShouldHaveUndoneNothing"/>
    public static async Task<FlowDescription> ShouldHaveUndoneNothingAsync(this FlowHandle run) => (await Describe(run)).ShouldHaveUndoneNothing();

    /// <inheritdoc cref="FlowExpectations.ShouldBeWaitingFor"/>
    public static async Task<FlowDescription> ShouldBeWaitingForAsync(this FlowHandle run, string name) => (await Describe(run)).ShouldBeWaitingFor(name);

    /// <inheritdoc cref="FlowExpectations.ShouldBeStuck"/>
    public static async Task<FlowDescription> ShouldBeStuckAsync(this FlowHandle run, string? code = null) => (await Describe(run)).ShouldBeStuck(code);

    private static Task<FlowDescription> Describe(FlowHandle run)
    {
        ArgumentNullException.ThrowIfNull(run);
        return run.DescribeAsync();
    }
}
