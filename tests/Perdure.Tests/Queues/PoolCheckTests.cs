using Perdure.Diagnostics;
using Perdure.Queues;

namespace Perdure.Tests.Queues;

public class PoolCheckTests
{
    private static readonly Dictionary<string, PoolOptions> Pools = new() { ["gpu"] = new() { Capacity = 4 } };

    [Theory]
    [InlineData("gpu", 5, "a job of queue renders takes 5 units of pool gpu, which has 4")]
    [InlineData("cpu", 1, "queue renders uses pool cpu, which is not there")]
    public void What_a_pool_can_never_give_is_refused(string pool, int units, string message)
    {
        var refused = Should.Throw<PerdureException>(() => PoolCheck.Check("renders", new() { Uses = [new PoolUse(pool, units)] }, Pools));

        refused.Code.ShouldBe(ErrorCodes.PoolNeverEnough);
        refused.Message.ShouldContain(message);
    }

    [Fact]
    public void What_a_pool_can_give_is_not() => PoolCheck.Check("renders", new() { Uses = [new PoolUse("gpu", 4)] }, Pools);
}
