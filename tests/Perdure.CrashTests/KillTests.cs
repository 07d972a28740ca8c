using Perdure.CrashTests.Runs;
using Xunit.Abstractions;

namespace Perdure.CrashTests;

public class KillTests(ITestOutputHelper output)
{
    [Fact]
    public Task Every_flow_finishes_once_and_is_undone_in_reverse_however_often_the_host_is_killed()
        => new Sweep(Ending.Kill, nameof(KillTests), output).RunAsync(Sweep.IsLong ? 500 : 30);
}
