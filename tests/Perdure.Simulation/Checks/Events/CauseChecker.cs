using System.Globalization;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Events;

/// <summary>What something says caused it was there before it, and belongs to the same business transaction; what comes from outside begins one, or belongs to the one that its publisher named.</summary>
internal sealed class CauseChecker(EventsStory events) : Checker("causes and business transactions")
{
    private readonly Dictionary<string, (long Order, string Correlation)> _jobs = new(StringComparer.Ordinal);
    private ILookup<int, JobCall> _calls = null!;

    protected override void Check()
    {
        _calls = Observed.Jobs.Calls.Where(c => c.Verb == JobVerb.Publish).SelectMany(c => c.Ids, (call, n) => (call, n)).ToLookup(c => c.n, c => c.call);

        foreach (HeardCall job in Observed.Events.Heard.Where(h => h.Topic is null))
        {
            _jobs.TryAdd($"{job.Queue}-{job.Number:x}", (job.Order, job.Correlation));
        }

        foreach (EventStory there in events.Events)
        {
            CheckOf(there.ToString(), there.Row.Cause, there.Row.Correlation, there.Order);
            if (there.Row.Cause is null)
            {
                MustHold(_calls[there.N].Any(), $"{there} has no cause, and no client published it");
                MustHold(_calls[there.N].Any(c => there.Row.Correlation == (c.Correlation ?? there.Row.Id)), $"{there} belongs to {there.Row.Correlation}, which nobody said");
            }
        }

        foreach (RunStory run in Story.Runs.Values.Where(r => r.Row.Cause is not null && r.Row.Parent is null))
        {
            CheckOf(run.Key.ToString(), run.Row.Cause, CorrelationOf(run), run.StartOrder);
        }
    }

    private void CheckOf(string what, string? cause, string correlation, long order)
    {
        if (cause is null)
        {
            return;
        }

        int colon = cause.IndexOf(':', StringComparison.Ordinal);
        (long Order, string Correlation)? there = cause[..colon] switch
        {
            "flow" => Ask(cause[(colon + 1)..]),
            "event" => Event(cause[(colon + 1)..]),
            "job" => _jobs.TryGetValue(cause[(colon + 1)..], out (long, string) job) ? job : null,
            _ => null,
        };
        MustHold(there is { } known && known.Order < order, $"{what} was caused by {cause}, which was not there");
        MustHold(there is null || there.Value.Correlation == correlation, $"{what} belongs to {correlation}, and its cause {cause} to {there?.Correlation}");
    }

    private (long, string)? Ask(string text)
    {
        int hash = text.LastIndexOf('#');
        RunStory? run = Story.Runs.Values.FirstOrDefault(r => r.Key.ToString() == text[..hash]);
        return run?.Asks().ElementAtOrDefault(int.Parse(text.AsSpan(hash + 1), CultureInfo.InvariantCulture)) is { Kind: 'V' or 'S' or 'D' } ask ? (ask.In.Order, CorrelationOf(run)) : null;
    }

    private (long, string)? Event(string text)
    {
        int at = text.LastIndexOf('@');
        int slash = text.LastIndexOf('/', at);
        EventStory? there = events.Find(text[..slash], long.Parse(text.AsSpan(slash + 1, at - slash - 1), CultureInfo.InvariantCulture));
        bool isHeard = there is not null && events.Plan.Subscriptions.GetValueOrDefault(text[(at + 1)..])?.Types.Contains(there.Row.Type) is true;
        return isHeard ? (there!.Order, there.Row.Correlation) : null;
    }

    private static string CorrelationOf(RunStory run) => run.Row.Correlation ?? run.Key.ToString();
}
