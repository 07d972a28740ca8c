using Perdure.CrashTests.Checks;
using Perdure.CrashTests.Victim.Jobs;

namespace Perdure.CrashTests;

/// <summary>The checks of jobs find what they are there to find: each of these faults is put into a log that has none.</summary>
public class JobCheckerTests
{
    private static readonly List<JobLine> Log =
    [
        Line(JobVerb.Made, "plain-0/8/0", "plain-0"), Line(JobVerb.Cancelling, "plain-0/8/0", "plain-0"), Line(JobVerb.Cancelled, "plain-0/8/0", "plain-0"),
        .. Did("ordered-0/0/0", "ordered-0"), .. Did("ordered-0/1/0", "ordered-0"),
        Line(JobVerb.Made, "leased-0/0/0", "leased-0"), Line(JobVerb.Began, "leased-0/0/0", "leased-0"), Line(JobVerb.Reporting, "leased-0/0/0", "leased-0"), Line(JobVerb.Done, "leased-0/0/0", "leased-0"),
        Line(JobVerb.Done, "tick/100", "ticks/1"), Line(JobVerb.Done, "tick/150", "ticks/2"),
        Line(JobVerb.Done, "hearer 0/1", "hearer-0", 1),
    ];

    [Fact]
    public void A_log_without_a_fault_is_good() => JobChecks.Complaints(Log).ShouldBeEmpty();

    [Fact]
    public void Each_fault_is_found()
    {
        Found(Log.Append(Line(JobVerb.Made, "dead/0", "dead")), "dead/0 was acknowledged and never done");
        Found(Log.Append(Line(JobVerb.Began, "plain-0/8/0", "plain-0")), "plain-0/8/0 was begun in process 0 after it was shown as cancelled");
        Found(Log.Append(Line(JobVerb.Done, "plain-0/8/0", "plain-0")), "plain-0/8/0 was done in process 0 after it was shown as cancelled");
        Found(Did("ordered-0/2/0", "ordered-0").Skip(1).Concat(Log).Append(Line(JobVerb.Made, "ordered-0/2/0", "ordered-0")), "ordered-0 was begun in the order");
        Found(Log.Append(Line(JobVerb.Began, "leased-0/0/0", "leased-0")), "leased-0/0/0 was leased in process 0 after its worker was told that it is done");
        Found(Log.Append(Line(JobVerb.Began, "tick/150", "ticks/3")), "tick/150 has the jobs ticks/2 ticks/3");
        Found(Log.Append(Line(JobVerb.Done, "tick/250", "ticks/4")), "nothing was done for the times between 150 and 250");
        Found(Log.Where(l => !l.Name.StartsWith("tick/", StringComparison.Ordinal)), "the schedule made nothing");
        Found(Log.Append(Line(JobVerb.Began, "hearer 0/1", "hearer-0", 2)), "hearer 0/1 is in the log at 1 and at 2");
    }

    private static void Found(IEnumerable<JobLine> lines, string complaint) => JobChecks.Complaints([.. lines]).ShouldHaveSingleItem().ShouldStartWith(complaint);

    private static IEnumerable<JobLine> Did(string name, string lane) => [Line(JobVerb.Made, name, lane), Line(JobVerb.Began, name, lane), Line(JobVerb.Done, name, lane)];

    private static JobLine Line(JobVerb verb, string name, string lane, int number = 0) => new(0, verb, name, lane, number);
}
