using Perdure.Queues;

namespace Perdure.Tests.Queues;

public class FairKeysTests
{
    private static readonly DateTimeOffset Start = new(2026, 3, 27, 12, 0, 0, TimeSpan.Zero);

    private readonly Dispatcher _dispatcher = new(Start);
    private long _number;

    [Fact]
    public void A_key_with_one_job_does_not_wait_for_a_key_with_many()
    {
        Set(new() { FairKeys = true });
        List<Job> many = [.. Enumerable.Range(0, 4).Select(_ => Add("many"))];
        Job one = Add("one");

        Started(5).ShouldBe([many[0], one, many[1], many[2], many[3]]);
    }

    [Fact]
    public void Between_two_turns_of_a_key_every_other_that_waits_has_one()
    {
        Set(new() { FairKeys = true, Concurrency = null });
        var random = new Random(1);
        Dictionary<string, int> turnsSinceWaiting = [];
        List<Job> waiting = [];
        int most = 0;
        for (int i = 0; i < 20_000; i++)
        {
            // Twelve keys, some of which are often idle, and a stream of keys that come once.
            string key = random.Next(5) == 0 ? $"new {i}" : $"{random.Next(12) * random.Next(12) / 12}";
            waiting.Add(Add(key));
            if (random.Next(20) == 0 || waiting.Count > 60)
            {
                continue;
            }

            Job next = _dispatcher.Next(Start)!;
            waiting.Remove(next);
            foreach (string other in waiting.Select(j => j.Key!).Distinct().Where(k => k != next.Key))
            {
                int passed = turnsSinceWaiting.GetValueOrDefault($"{other} {next.Key}") + 1;
                turnsSinceWaiting[$"{other} {next.Key}"] = passed;
                most = Math.Max(most, passed);
            }

            foreach (string pair in turnsSinceWaiting.Keys.Where(p => p.StartsWith($"{next.Key} ", StringComparison.Ordinal)).ToList())
            {
                turnsSinceWaiting.Remove(pair);
            }
        }

        most.ShouldBe(1);
    }

    [Fact]
    public void A_better_priority_goes_before_any_turn_and_jobs_of_the_same_age_take_turns()
    {
        Set(new() { FairKeys = true, Ageing = TimeSpan.FromMinutes(1) });
        Job first = Add("a", at: Start);
        Job second = Add("a", at: Start.AddSeconds(1));
        Job other = Add("b", at: Start.AddSeconds(59));
        Job later = Add("c", at: Start.AddSeconds(60));
        Job better = Add("a", priority: -5, at: Start.AddSeconds(60));

        Started(5).ShouldBe([better, other, first, second, later]);
    }

    private List<Job?> Started(int count) => [.. Enumerable.Range(0, count).Select(_ => _dispatcher.Next(Start))];

    private void Set(QueueOptions policy) => _dispatcher.SetQueue("q", policy, gate: null);

    private Job Add(string key, int priority = 0, DateTimeOffset? at = null)
    {
        var job = new Job(++_number, "q", "t") { Key = key, Priority = priority, CreatedAt = at ?? Start };
        _dispatcher.Add(job);
        return job;
    }
}
