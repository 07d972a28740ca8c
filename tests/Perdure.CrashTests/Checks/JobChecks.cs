using System.Globalization;
using Perdure.CrashTests.Victim.Jobs;

namespace Perdure.CrashTests.Checks;

/// <summary>What must hold of jobs, schedules and events however often their process was killed.</summary>
internal static class JobChecks
{
    public static List<string> Complaints(List<JobLine> lines)
        => [.. Lost(lines), .. AfterCancel(lines), .. OutOfOrder(lines), .. LeasedAgain(lines), .. Ticks(lines), .. HeardTwice(lines)];

    private static IEnumerable<string> Lost(List<JobLine> lines)
    {
        HashSet<string> done = [.. lines.Where(l => l.Verb is JobVerb.Done or JobVerb.Reporting).Select(l => l.Name)];
        HashSet<string> cancelled = [.. lines.Where(l => l.Verb == JobVerb.Cancelling).Select(l => l.Name)];
        return lines.Where(l => l.Verb == JobVerb.Made && !done.Contains(l.Name) && !cancelled.Contains(l.Name)).Select(l => $"{l.Name} was acknowledged and never done");
    }

    private static IEnumerable<string> AfterCancel(List<JobLine> lines)
        => After(lines, JobVerb.Cancelled).Where(l => l.Verb is JobVerb.Began or JobVerb.Done)
            .Select(l => $"{l.Name} {(l.Verb == JobVerb.Began ? "was begun" : "was done")} in process {l.Life} after it was shown as cancelled");

    /// <summary>Within a lane that is kept in order, a job is first begun only after those before it have ended: a dead letter has, too, and comes again out of order.</summary>
    private static IEnumerable<string> OutOfOrder(List<JobLine> lines)
    {
        foreach (IGrouping<string, JobLine> lane in lines.Where(l => l.Lane.StartsWith("ordered-", StringComparison.Ordinal)).GroupBy(l => l.Lane))
        {
            List<string> begun = [.. lane.TakeWhile(l => l.Verb != JobVerb.Blamed).Where(l => l.Verb == JobVerb.Began).Select(l => l.Name).Distinct()];
            List<string> came = [.. lane.Where(l => l.Verb == JobVerb.Made).Select(l => l.Name).Distinct()];
            List<string> inOrder = [.. came.Where(begun.Contains)];
            List<string> known = [.. begun.Where(came.Contains)]; // one whose caller was killed before it was told has no place
            if (!known.SequenceEqual(inOrder))
            {
                yield return $"{lane.Key} was begun in the order {string.Join(' ', known)}, and came in the order {string.Join(' ', inOrder)}";
            }
        }
    }

    /// <summary>What a worker outside was told is done is never given to another one.</summary>
    private static IEnumerable<string> LeasedAgain(List<JobLine> lines)
        => After(lines, JobVerb.Done).Where(l => l.Verb == JobVerb.Began && l.Lane.StartsWith("leased-", StringComparison.Ordinal)).Select(l => $"{l.Name} was leased in process {l.Life} after its worker was told that it is done");

    /// <summary>Each time of the schedule has one job, from the first to the last, and it is done.</summary>
    private static IEnumerable<string> Ticks(List<JobLine> lines)
    {
        List<JobLine> ticks = [.. lines.Where(l => l.Name.StartsWith("tick/", StringComparison.Ordinal))];
        foreach (IGrouping<string, JobLine> tick in ticks.GroupBy(l => l.Name).Where(g => g.Select(l => l.Lane).Distinct().Count() > 1))
        {
            yield return $"{tick.Key} has the jobs {string.Join(' ', tick.Select(l => l.Lane).Distinct())}";
        }

        List<long> times = [.. ticks.Where(l => l.Verb == JobVerb.Done).Select(l => long.Parse(l.Name["tick/".Length..], CultureInfo.InvariantCulture)).Distinct().Order()];
        for (int i = 1; i < times.Count; i++)
        {
            if (times[i] - times[i - 1] != TickWork.Interval.TotalMilliseconds)
            {
                yield return $"nothing was done for the times between {times[i - 1].ToString(CultureInfo.InvariantCulture)} and {times[i].ToString(CultureInfo.InvariantCulture)}";
            }
        }

        if (times.Count == 0)
        {
            yield return "the schedule made nothing";
        }
    }

    /// <summary>An event is in the log once, however often it was published under its id, or its job was tried.</summary>
    private static IEnumerable<string> HeardTwice(List<JobLine> lines)
        => lines.Where(l => l.Name.Contains("hearer ", StringComparison.Ordinal)).GroupBy(l => l.Name).Where(g => g.Select(l => l.Number).Distinct().Count() > 1)
            .Select(g => $"{g.Key} is in the log at {string.Join(" and at ", g.Select(l => l.Number).Distinct())}");

    /// <summary>What was written of a job after a line that says something of it.</summary>
    private static IEnumerable<JobLine> After(List<JobLine> lines, JobVerb verb)
    {
        HashSet<string> said = new(StringComparer.Ordinal);
        foreach (JobLine line in lines)
        {
            if (said.Contains(line.Name))
            {
                yield return line;
            }

            if (line.Verb == verb)
            {
                said.Add(line.Name);
            }
        }
    }
}
