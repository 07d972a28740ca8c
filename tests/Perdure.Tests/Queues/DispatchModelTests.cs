namespace Perdure.Tests.Queues;

public class DispatchModelTests
{
    private const int Seeds = 2_000;
    private const int Steps = 300;

    [Fact]
    public void The_next_job_is_the_one_that_counting_all_limits_from_scratch_finds()
    {
        var spread = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int seed = 1; seed <= Seeds; seed++)
        {
            new DispatchWorld(seed, spread).Drive(Steps);
        }

        // The generator must reach what it is meant to check.
        string[] wanted =
        [
            "started", "none", "in order", "any order", "fair", "by number", "ageing", "ageless", "with pools", "without pools", "worse priority", "gated",
            "came back", "removed", "priority changed", "queue set", "sheds", "rates taken", "rate told", "rate untold", "rate gone", "restarted", "no change", "change starts", "change for nothing",
        ];
        wanted.Where(w => spread.GetValueOrDefault(w) < Seeds / 4).ShouldBeEmpty(string.Join(", ", spread.Select(s => $"{s.Key} {s.Value}")));
    }
}
