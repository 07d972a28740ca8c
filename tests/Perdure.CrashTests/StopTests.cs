using Perdure.CrashTests.Runs;
using Xunit.Abstractions;

namespace Perdure.CrashTests;

public class StopTests(ITestOutputHelper output)
{
    [Fact]
    public Task A_host_that_is_stopped_at_any_moment_loses_nothing_and_uses_up_no_attempts()
        => new Sweep(Ending.Stop, nameof(StopTests), output).RunAsync(Sweep.IsLong ? 200 : 12);
}
