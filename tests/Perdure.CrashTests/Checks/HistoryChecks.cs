using Perdure.CrashTests.Victim.Plans;

namespace Perdure.CrashTests.Checks;

/// <summary>A run's history is whole: no gap, no second answer, nothing after the end, nothing left open.</summary>
internal static class HistoryChecks
{
    public static IEnumerable<string> Check(Story story, FlowPlan plan)
        => [.. CheckRows(story), .. CheckEnd(story), .. CheckAsks(story), .. CheckTimes(story, plan), .. story.Riddles.Select(r => $"history has a line that means nothing: {r}")];

    private static IEnumerable<string> CheckRows(Story story)
    {
        IReadOnlyList<StoredInput> history = story.Run.History;
        for (int i = 0; i < history.Count; i++)
        {
            StoredInput input = history[i];
            if (input.Position != i)
            {
                yield return $"row {i} has position {input.Position}";
            }

            if ((input.Kind == StoredInput.Started) != (i == 0))
            {
                yield return $"row {i} is of kind {input.Kind}";
            }

            if (i > 0 && input.At < history[i - 1].At)
            {
                yield return $"row {i} is before row {i - 1} in time";
            }

            if (input.Asks is null && story.Run.Status != StoredRun.Terminated)
            {
                yield return $"row {i} was never decided";
            }
        }

        if (history[0].At != story.Run.CreatedAt)
        {
            yield return "it began at another time than its first row";
        }

        foreach (IGrouping<string?, StoredInput> signal in history.Where(h => h.SenderId is not null).GroupBy(h => h.SenderId).Where(g => g.Count() > 1))
        {
            yield return $"signal {signal.Key} was delivered {signal.Count()} times";
        }
    }

    private static IEnumerable<string> CheckEnd(Story story)
    {
        StoredRun run = story.Run;
        if (!run.HasEnded)
        {
            yield return $"it has not ended: status {run.Status} {run.StuckCode}";
            yield break;
        }

        string status = run.Status switch { StoredRun.Completed => "completed", StoredRun.Failed => "failed", StoredRun.Cancelled => "cancelled", _ => "terminated" };
        if (story.Ends.Count != 1 || story.Ends[0].Status != status || story.Ends[0].Input != run.History[^1])
        {
            yield return $"it is {status}, and history says {string.Join(", ", story.Ends.Select(e => $"{e.Status} at {e.Input.Position} of {run.History.Count}"))}";
        }

        if (run.History.Count(h => h.Result is not null) != 1 || run.History[^1].Result is null)
        {
            yield return "its result does not stand in its last row alone";
        }

        if (run.EndedAt != run.History[^1].At || run.WakeAt is not null || run.StuckCode is not null)
        {
            yield return $"its row says: ended {run.EndedAt}, wake {run.WakeAt}, stuck {run.StuckCode}";
        }
    }

    private static IEnumerable<string> CheckAsks(Story story)
    {
        foreach ((StoredInput input, StoredAsk? ask) in story.Answers)
        {
            if (ask is null || !Fits(input, ask))
            {
                yield return $"row {input.Position} of kind {input.Kind} answers {ask?.ToString() ?? $"ask {input.Ask}, which there is not"}";
            }
        }

        foreach (StoredAsk ask in story.Asks)
        {
            int closed = ask.Answers.Count + ask.Withdrawals.Count;
            if (closed > 1)
            {
                yield return $"{ask} was closed {closed} times, at {string.Join(", ", ask.Answers.Concat(ask.Withdrawals).Select(a => a.Position))}";
            }

            if (ask.IsWork && ask.Withdrawals.Count > 0)
            {
                yield return $"{ask} was withdrawn, and it is work";
            }

            if (closed == 0 && ask.Kind != StoredAsk.DetachedChild && story.Run.Status is StoredRun.Completed or StoredRun.Failed or StoredRun.Cancelled)
            {
                yield return $"{ask} was open when the flow ended";
            }
        }
    }

    private static bool Fits(StoredInput input, StoredAsk ask) => ask.Kind switch
    {
        StoredAsk.Step or StoredAsk.Child => input.Kind is StoredInput.Completed or StoredInput.Failed,
        StoredAsk.Undo => input.Kind is StoredInput.Completed,
        StoredAsk.Timer or StoredAsk.Region => input.Kind is StoredInput.TimerFired,
        StoredAsk.Signal => input.Kind is StoredInput.TimerFired || (input.Kind is StoredInput.SignalReceived && input.Name == ask.Name),
        _ => false,
    };

    private static IEnumerable<string> CheckTimes(Story story, FlowPlan plan)
    {
        Dictionary<string, TimeSpan> pauses = plan.AllOps.OfType<Pause>().ToDictionary(p => p.Name, p => p.Time);
        foreach (StoredAsk timer in story.Asks.Where(a => a.Kind == StoredAsk.Timer && a.Answers.Count > 0))
        {
            TimeSpan waited = TimeSpan.FromMicroseconds(timer.Answer!.At - timer.Asked.At);
            if (waited < pauses[timer.Name])
            {
                yield return $"{timer} fired after {waited}, and was to wait {pauses[timer.Name]}";
            }
        }
    }
}
