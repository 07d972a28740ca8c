using System.Globalization;
using Perdure.CrashTests.Checks;
using Perdure.CrashTests.Runs;
using Perdure.CrashTests.Victim.Jobs;
using Xunit.Abstractions;

namespace Perdure.CrashTests;

public class JobKillTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Jobs_leases_schedules_dead_letters_and_events_keep_their_promises_however_often_the_host_is_killed()
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
                killed += await LiveAsync(folder, life++, TimeSpan.FromMilliseconds(dice.Next(5, 200)));
            }

            await LiveAsync(folder, life, killAfter: null);
            List<string> complaints = JobChecks.Complaints(JobLog.Read(folder));
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
}
