using Perdure.Diagnostics;
using Perdure.Simulation.Jobs;
using Perdure.Simulation.Plans;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Events;

/// <summary>What a client was told is published is durable, once, where and as it was told; what has another content under the same id is refused; and nothing is there that nobody published.</summary>
internal sealed class PublishChecker(EventsStory events) : Checker("published events are durable, and true")
{
    protected override void Check()
    {
        foreach (string wrong in events.Contradictions)
        {
            Wrong(wrong);
        }

        List<JobCall> calls = Observed.Jobs.Calls.FindAll(c => c.Verb == JobVerb.Publish);
        foreach (JobCall call in calls.Where(c => c.AnswerOrder > 0))
        {
            if (call.IsDone)
            {
                CheckDone(call);
            }
            else if (call.Error == ErrorCodes.EventConflict)
            {
                CheckConflict(call);
            }
            else
            {
                MustHold(JobCaller.IsUnanswered(call), $"publishing {call.Ids[0]} was refused with {call.Error}");
            }
        }

        CheckPublishers(calls);
    }

    private void CheckDone(JobCall call)
    {
        for (int i = 0; i < call.Ids.Count; i++)
        {
            PublishedEvent told = call.Published[i];
            string what = $"{call.Process} said that {call.Ids[i]} is {told.Topic}/{told.Position}{(told.IsDuplicate ? " already" : "")}";
            EventStory? there = events.Find(told.Topic, told.Position);
            MustHold(there is not null && there.Order < call.AnswerOrder, $"{what}, but that is not durable");
            MustHold(there is null || (there.N == call.Ids[i] && there.Row.Id == told.Id), $"{what}, but that is {there}");
            MustHold(!told.IsDuplicate || (call.PublishId is not null && there?.ForgottenOrder > call.Order), $"{what}, which it is not");
            MustHold(call.PublishId is not { } id || there is null || (there.Row.Source, there.Row.Id) == id, $"{what}, which has another id");
        }
    }

    private void CheckConflict(JobCall call)
    {
        List<EventStory> there = [.. events.Events.Where(e => (e.Row.Source, e.Row.Id) == call.PublishId && e.Order < call.AnswerOrder && e.ForgottenOrder > call.Order)];
        MustHold(there.Exists(e => e.N != call.Ids[0]), $"publishing {call.Ids[0]} as {call.PublishId} was refused, but {(there.Count == 0 ? "nothing" : "the same")} was there");
    }

    /// <summary>Each event has who wanted it, and comes once; without an id once for each time that it was wanted.</summary>
    private void CheckPublishers(List<JobCall> calls)
    {
        ILookup<int, JobCall> byNumber = calls.SelectMany(c => c.Ids, (call, n) => (call, n)).ToLookup(c => c.n, c => c.call);
        HashSet<int> ofHandlers = [.. Observed.Events.Heard.SelectMany(h => h.Published.Concat(h.PublishedBeside))];
        foreach (EventStory there in events.Events)
        {
            bool isWanted = byNumber[there.N].Any(c => c.Order < there.Order) || ofHandlers.Contains(there.N) || ListeningPlan.IsOfFlow(there.N);
            MustHold(isWanted, $"{there} was published by nobody");
            EventStory? again = there.Copies.Find(c => c.Order <= there.ForgottenOrder);
            MustHold(again is null, $"{there} came again, as {again}");
        }

        foreach (IGrouping<(string, string, string), EventStory> same in events.Events.GroupBy(e => (e.Row.Topic, e.Row.Source, e.Row.Id)))
        {
            MustHold(same.Zip(same.Skip(1)).All(s => s.First.ForgottenOrder < s.Second.Order), $"{string.Join(" and ", same)} have one id");
        }
    }
}
