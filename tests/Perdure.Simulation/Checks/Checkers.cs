using Perdure.Simulation.Checks.Events;
using Perdure.Simulation.Checks.Jobs;
using Perdure.Simulation.Events;
using Perdure.Simulation.Jobs;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks;

/// <summary>Looks for one kind of broken promise.</summary>
internal abstract class Checker(string name)
{
    private List<Violation> _found = [];

    public string Name => name;

    protected Story Story { get; private set; } = null!;

    protected Observed Observed { get; private set; } = null!;

    public void Run(Story story, Observed observed, List<Violation> found)
    {
        (Story, Observed, _found) = (story, observed, found);
        Check();
    }

    protected abstract void Check();

    protected void MustHold(bool holds, string otherwise)
    {
        if (!holds)
        {
            _found.Add(new Violation(name, otherwise));
        }
    }

    protected void Wrong(string what) => MustHold(false, what);
}

/// <summary>All checkers.</summary>
internal static class Checkers
{
    public static List<Violation> Run(Story story, Observed observed, string? unfinished, JobPlan? plan, EventWork? events)
    {
        List<Violation> found = [];
        Checker[] all =
        [
            new OwnerChecker(), new HistoryChecker(), new CommitFirstChecker(), new AnswerChecker(), new UndoChecker(), new AttemptChecker(),
            new ReconcileChecker(), new SignalChecker(), new MessageChecker(), new BackoffChecker(), new StatusChecker(), new ProgressChecker(unfinished),
        ];
        JobsStory? jobs = plan is null ? null : JobsStory.Read(observed, plan);
        IEnumerable<Checker> ofJobs = jobs is null
            ? []
            :
            [
                new JobEndChecker(jobs), new JobAnswerChecker(jobs), new JobResultChecker(jobs), new JobStartChecker(jobs), new JobLimitChecker(jobs), new JobHoursChecker(jobs), new JobOrderChecker(jobs), new JobTurnChecker(jobs),
                new JobRateChecker(jobs), new JobWindowChecker(jobs), new JobBatchChecker(jobs), new JobLeaseChecker(jobs), new JobKeepChecker(jobs), new JobFlowChecker(jobs), new ScheduleChecker(jobs),
            ];
        EventsStory? heard = events is null ? null : EventsStory.Read(observed, events);
        IEnumerable<Checker> ofEvents = heard is null ? [] : [
            new PublishChecker(heard), new DeliveryChecker(heard), new EffectChecker(heard), new KeyOrderChecker(heard), new RetentionChecker(heard), new WaitChecker(heard),
            new CauseChecker(heard), new EventStartChecker(heard), new OrderChecker(heard, events!),
        ];
        foreach (Checker checker in all.Concat(ofJobs).Concat(ofEvents))
        {
            try
            {
                checker.Run(story, observed, found);
            }
            catch (Exception e)
            {
                found.Add(new Violation(checker.Name, $"no sense can be made of what was seen: {e}"));
            }
        }

        found.AddRange(observed.Oddities.Select(o => new Violation("what flows and stores see", o)));
        if (found.Count == 0)
        {
            Marking.Of(story, observed);
            if (jobs is not null)
            {
                JobMarking.Of(jobs, observed);
                JobFeatureMarking.Of(story, jobs, observed);
            }

            if (heard is not null)
            {
                EventMarking.Of(story, heard, events!, observed);
            }
        }

        return found;
    }
}
