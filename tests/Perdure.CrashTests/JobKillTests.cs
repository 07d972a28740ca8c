using System.Globalization;
using Perdure.CrashTests.Runs;
using Perdure.CrashTests.Victim.Effects;
using Xunit.Abstractions;

namespace Perdure.CrashTests;

public class JobKillTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Every_job_is_done_or_cancelled_and_lanes_keep_their_order_however_often_the_host_is_killed()
    {
        int stores = Sweep.IsLong ? 30 : 3;
        int killed = 0;
        long seed = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        for (int store = 0; store < stores; store++)
        {
            var dice = new Random((int)(seed + store));
            string folder = Directory.CreateTempSubdirectory("perdure-jobs-").FullName;
            int life = 0;
            while (life < 6)
            {
                killed += await LiveAsync(folder, life++, TimeSpan.FromMilliseconds(dice.Next(50, 600)));
            }

            await LiveAsync(folder, life, killAfter: null);
            List<string> complaints = Complaints(JobLog.Read(folder));
            complaints.ShouldBeEmpty($"seed {seed.ToString(CultureInfo.InvariantCulture)}, store {store.ToString(CultureInfo.InvariantCulture)}, in {folder}");
            Directory.Delete(folder, recursive: true);
        }

        output.WriteLine($"{killed} processes were killed on {stores} stores, from seed {seed} on");
    }

    /// <summary>Lets a process live until it is done, or for a moment after it is ready.</summary>
    /// <returns>How many were killed: 1 or 0.</returns>
    private static async Task<int> LiveAsync(string folder, int life, TimeSpan? killAfter)
    {
        await using VictimProcess victim = VictimProcess.StartJobs(folder, life);
        await victim.ReadyAsync(Limit);
        if (killAfter is { } moment)
        {
            await Task.WhenAny(victim.EndAsync(Limit), Task.Delay(moment));
            victim.Kill();
        }

        (int code, string errors) = await victim.EndAsync(Limit);
        (victim.IsDone || (killAfter is not null && code == 137)).ShouldBeTrue($"process {life.ToString(CultureInfo.InvariantCulture)} ended with {code.ToString(CultureInfo.InvariantCulture)}: {errors}");
        return victim.IsDone ? 0 : 1;
    }

    private static List<string> Complaints(List<JobLine> lines)
    {
        List<string> complaints = [];
        HashSet<string> done = [.. lines.Where(l => l.Verb == JobVerb.Done).Select(l => l.Name)];
        HashSet<string> cancelled = [.. lines.Where(l => l.Verb == JobVerb.Cancelling).Select(l => l.Name)];
        complaints.AddRange(lines.Where(l => l.Verb == JobVerb.Enqueued && !done.Contains(l.Name) && !cancelled.Contains(l.Name)).Select(l => $"{l.Name} was acknowledged and never done"));
        for (int i = 0; i < lines.Count; i++)
        {
            JobLine line = lines[i];
            if (line.Verb == JobVerb.Cancelled)
            {
                complaints.AddRange(lines.Skip(i + 1).Where(l => l.Name == line.Name && l.Verb is JobVerb.Began or JobVerb.Done).Select(l => $"{l.Name} {(l.Verb == JobVerb.Began ? "was begun" : "was done")} in process {l.Life} after it was shown as cancelled"));
            }
        }

        // Within a lane that is kept in order, a job is first begun only after those before it have ended.
        foreach (IGrouping<string, JobLine> lane in lines.Where(l => l.Lane is not ("lane-0" or "lane-1")).GroupBy(l => l.Lane))
        {
            List<string> begun = [.. lane.Where(l => l.Verb == JobVerb.Began).Select(l => l.Name).Distinct()];
            List<string> came = [.. lane.Where(l => l.Verb == JobVerb.Enqueued).Select(l => l.Name)];
            List<string> inOrder = [.. came.Where(begun.Contains)];
            List<string> known = [.. begun.Where(came.Contains)]; // one whose caller was killed before it was told has no place
            if (!known.SequenceEqual(inOrder))
            {
                complaints.Add($"{lane.Key} was begun in the order {string.Join(' ', known)}, and came in the order {string.Join(' ', inOrder)}");
            }
        }

        return complaints;
    }
}
