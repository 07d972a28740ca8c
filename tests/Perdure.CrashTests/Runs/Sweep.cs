using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Xunit.Abstractions;

namespace Perdure.CrashTests.Runs;

/// <summary>Runs seed after seed until processes were ended often enough.</summary>
internal sealed class Sweep(Ending ending, string test, ITestOutputHelper output)
{
    private const int AtOnce = 2;
    private const int EndingsPerStoreMax = 9;

    private readonly ConcurrentQueue<string> _failures = new();
    private int _ended;
    private int _going;
    private int _retried;
    private int _runs;

    public static bool IsLong => Environment.GetEnvironmentVariable("PERDURE_LONG") == "1";

    /// <summary>The one seed to replay; null for new ones.</summary>
    private static long? Replayed => long.TryParse(Environment.GetEnvironmentVariable("PERDURE_SEED"), CultureInfo.InvariantCulture, out long seed) ? seed : null;

    public async Task RunAsync(int endings)
    {
        long first = Replayed ?? DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => Task.Run(() => RunManyAsync(first, endings))));
        output.WriteLine($"{_ended} processes ended at random moments on {_runs} stores from seed {first} on; {_retried} flows were put back to work after crashes");
        _failures.ShouldBeEmpty();
        _retried.ShouldBeLessThanOrEqualTo(_ended / 5, "flows that are stuck since the process died must stay rare");
    }

    private async Task RunManyAsync(long first, int endings)
    {
        while (_failures.IsEmpty && endings - Volatile.Read(ref _ended) - Volatile.Read(ref _going) is > 0 and int left)
        {
            int planned = Math.Min(left, EndingsPerStoreMax);
            Interlocked.Add(ref _going, planned);
            int number = Interlocked.Increment(ref _runs) - 1;
            long seed = Replayed ?? first + number;
            var run = new CrashRun(seed, Replayed is null ? 0 : number, ending, planned);
            try
            {
                await run.RunAsync();
            }
            catch (Exception e)
            {
                run.Complaints.Add(e.ToString());
            }

            Interlocked.Add(ref _going, -planned);
            Interlocked.Add(ref _ended, run.Ended);
            Interlocked.Add(ref _retried, run.Retried);
            if (run.Complaints.Count > 0)
            {
                _failures.Enqueue(Report(seed, run));
            }
        }
    }

    private string Report(long seed, CrashRun run)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"seed {seed} failed; its store, ledgers and logs are in {run.Folder}");
        text.AppendLine(CultureInfo.InvariantCulture, $"again: PERDURE_SEED={seed} dotnet test tests/Perdure.CrashTests -c Release --filter {test}");
        run.Complaints.Take(20).ToList().ForEach(c => text.Append("  ").AppendLine(c));
        return text.ToString();
    }
}
