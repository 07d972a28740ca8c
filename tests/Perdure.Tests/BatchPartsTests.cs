using System.Collections;
using System.Reflection;
using Perdure.Engine;
using Perdure.Events;
using Perdure.Storage;

namespace Perdure.Tests;

/// <summary>How a batch that was refused is taken apart.</summary>
public sealed class BatchPartsTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly FlowKey Flow = new("Order", "o1");

    /// <summary>These are found anew: messages that no job or event took in, and which events may be forgotten.</summary>
    private static readonly string[] LeftOut = [nameof(ShardBatch.Received), nameof(ShardBatch.ForgottenEvents)];

    [Fact]
    public void Each_row_is_in_one_part()
    {
        ShardBatch batch = WithAll();
        List<(long Run, ShardBatch Part)> parts = [.. BatchParts.ByRun(batch)];

        parts.Select(p => p.Run).ShouldBe([0, 1, 2]);
        List<PropertyInfo> lists = [.. typeof(ShardBatch).GetProperties().Where(p => p.GetValue(batch) is IList)];
        lists.Count.ShouldBeGreaterThanOrEqualTo(20);
        foreach (PropertyInfo list in lists)
        {
            IList whole = (IList)list.GetValue(batch)!;
            whole.Count.ShouldBeGreaterThan(0, list.Name);
            List<object?> found = [.. parts.SelectMany(p => ((IList)list.GetValue(p.Part)!).Cast<object?>())];
            found.ShouldBe(LeftOut.Contains(list.Name) ? [] : whole.Cast<object?>(), ignoreOrder: true, list.Name);
        }
    }

    [Fact]
    public void A_job_that_comes_with_an_event_stands_or_falls_with_it()
    {
        ShardBatch batch = New();
        batch.NewEvents.Add(Event(7));
        batch.NewJobs.AddRange([Job(1), Job(2)]);
        batch.Deliveries.AddRange([Delivery(7, job: 1), Delivery(6, job: 2)]);

        List<(long Run, ShardBatch Part)> parts = [.. BatchParts.ByRun(batch)];

        parts.Select(p => p.Run).ShouldBe([0, 2]);
        parts[0].Part.NewEvents.ShouldBe(batch.NewEvents);
        parts[0].Part.NewJobs.ShouldBe([batch.NewJobs[0]]);
        parts[0].Part.Deliveries.ShouldBe([batch.Deliveries[0]]);
        parts[1].Part.NewJobs.ShouldBe([batch.NewJobs[1]]);
        parts[1].Part.Deliveries.ShouldBe([batch.Deliveries[1]]);
    }

    [Fact]
    public void A_delivery_stands_or_falls_with_its_jobs_end()
    {
        ShardBatch batch = New();
        batch.EndedJobs.AddRange([1, 2]);
        batch.Deliveries.AddRange([Delivery(5, job: 2), Delivery(6, job: 0)]);

        List<(long Run, ShardBatch Part)> parts = [.. BatchParts.ByRun(batch)];

        parts.Select(p => p.Run).ShouldBe([0, 1, 2]);
        parts[0].Part.Deliveries.ShouldBe([batch.Deliveries[1]]);
        parts[1].Part.Deliveries.ShouldBeEmpty();
        parts[2].Part.Deliveries.ShouldBe([batch.Deliveries[0]]);
        parts[2].Part.EndedJobs.ShouldBe([2L]);
    }

    [Fact]
    public void What_an_event_or_a_job_took_in_is_received_with_it_and_what_is_sent_of_it_goes_along()
    {
        ShardBatch batch = New();
        batch.NewEvents.Add(Event(7));
        batch.NewJobs.Add(Job(1));
        batch.Received.AddRange(["event's", "job's", "flow's"]);
        batch.ReceivedByJobs.AddRange([("event's", 0), ("job's", 1)]);
        batch.Sent.AddRange([Message(InboxId.Of(0, 1, 0)), Message(InboxId.Of(1, 1, 0))]);

        List<(long Run, ShardBatch Part)> parts = [.. BatchParts.ByRun(batch)];

        parts.Select(p => p.Part.Received.Single()).ShouldBe(["event's", "job's"]);
        parts.Select(p => p.Part.Sent.Single()).ShouldBe(batch.Sent);
    }

    [Fact]
    public void Of_a_job_that_ends_with_effects_there_is_only_a_trial_of_its_end_and_of_what_comes_with_them_nothing()
    {
        ShardBatch batch = New();
        batch.NewEvents.AddRange([Event(7), Event(8)]);
        batch.NewJobs.Add(Job(3));
        batch.Deliveries.Add(Delivery(6, job: 0));
        batch.EndedJobs.AddRange([1, 2]);
        batch.JobEnds.AddRange([End(1), End(2)]);
        batch.JobsWithEffects.AddRange([1, 3]);

        List<(long Run, ShardBatch Part)> parts = [.. BatchParts.ByRun(batch)];

        parts.Select(p => p.Run).ShouldBe([2, 1]);
        parts[0].Part.EndedJobs.ShouldBe([2L]);
        parts[1].Part.EndedJobs.ShouldBeEmpty();
        parts[1].Part.JobEnds.ShouldBe([batch.JobEnds[0]]);
        parts[1].Part.ForgottenJobs.ShouldBe([1L]);
        parts.SelectMany(p => p.Part.NewEvents).ShouldBeEmpty();
        parts.SelectMany(p => p.Part.NewJobs).ShouldBeEmpty();
    }

    [Fact]
    public void What_rates_remember_of_starts_is_there_whatever_else_is_left_out()
    {
        ShardBatch batch = New();
        batch.NewJobs.Add(Job(1));
        batch.JobsWithEffects.Add(1);
        batch.JobUpdates.Add(new JobUpdate(2, new JobState(0, null, 0, null), null));
        batch.Memos.AddRange([new MemoRow("rate/q/key", [1]), new MemoRow("mode/q", [1])]);

        List<(long Run, ShardBatch Part)> parts = [.. BatchParts.ByRun(batch)];

        parts.Select(p => p.Run).ShouldBe([0, 2]);
        parts[0].Part.Memos.ShouldBe([batch.Memos[0]]);
    }

    [Fact]
    public void A_cursor_stays_behind_all_deliveries_and_before_events_that_are_left_out()
    {
        ShardBatch batch = New();
        batch.NewEvents.Add(Event(8));
        batch.Deliveries.AddRange([Delivery(5, job: 2), Delivery(6, job: 0)]);
        batch.EndedJobs.AddRange([1, 2]);
        batch.JobEnds.Add(End(1));
        batch.Memos.Add(new MemoRow(Topics.MemoOf("mail", "orders"), new CursorMemo { Number = 3, Done = 7, Given = 8 }.Write()));

        CursorIn(batch).ShouldBe((4, 8));
        batch.JobsWithEffects.Add(1);
        CursorIn(batch).ShouldBe((4, 7));

        static (long Done, long Given) CursorIn(ShardBatch batch)
        {
            CursorMemo memo = Topics.CursorsIn(BatchParts.ByRun(batch).First().Part.Memos).ShouldHaveSingleItem().Memo;
            memo.Number.ShouldBe(3);
            return (memo.Done, memo.Given);
        }
    }

    [Fact]
    public void There_is_no_part_for_what_belongs_to_none_where_nothing_does()
    {
        ShardBatch batch = New();
        batch.NewJobs.Add(Job(1));
        batch.Deliveries.Add(Delivery(5, job: 1));
        batch.ForgottenEvents.Add(new ForgottenEvents("orders", 4));
        BatchParts.ByRun(batch).Select(p => p.Run).ShouldBe([1]);
    }

    private static ShardBatch New() => new(new ShardLease(0, 1, Guid.Empty, 0, Now, 0, null), 1, Now);

    /// <summary>A batch with rows in each list: of run 1, of job 2 and of neither.</summary>
    private static ShardBatch WithAll()
    {
        ShardBatch batch = New();
        batch.NewFlows.Add(new FlowRow(1, 0, Flow, 1, Now));
        batch.Updates.Add(new FlowUpdate(1, default));
        batch.History.Add(new HistoryRow(1, 0, Now, InputKind.Started));
        batch.Decided.Add(new HistoryRow(1, 0, Now, InputKind.Started));
        batch.Backoffs.Add(new BackoffRow(1, 0, 1, Now, Now, []));
        batch.EndedBackoffs.Add((1, 1));
        batch.Sent.AddRange([Message(InboxId.Of(1, 0, 0)), Message(InboxId.Of(2, 0, 0)), Message(InboxId.Of(0, 0, 0))]);
        batch.Received.Add("taken in by a flow");
        batch.NewJobs.Add(Job(2));
        batch.JobUpdates.Add(new JobUpdate(2, default));
        batch.JobEnds.Add(new JobEndRow(2, 0, "mail", "Send", JobStatus.Completed, Now, Now, Now));
        batch.EndedJobs.Add(2);
        batch.ForgottenJobs.Add(2);
        batch.Memos.Add(new MemoRow("pause", null));
        batch.NewEvents.Add(Event(7));
        batch.EventUpdates.Add(new EventUpdate("orders", 6, default));
        batch.Deliveries.AddRange([Delivery(5, job: 2), Delivery(6, job: 0)]);
        batch.EventWaits.Add(new EventWaitRow(new ParentRef(Flow, 3), "OrderPaid", "17", Now));
        batch.EndedEventWaits.Add(new ParentRef(Flow, 2));
        batch.ForgottenEvents.Add(new ForgottenEvents("orders", 4));
        return batch;
    }

    private static JobRow Job(long number) => new(number, 0, "mail", "Send", Now);

    private static JobEndRow End(long number) => new(number, 0, "mail", "Send", JobStatus.Completed, Now, Now, Now);

    private static EventRow Event(long position) => new(0, "orders", position, $"e{position}", "OrderPlaced", Now);

    private static DeliveryRow Delivery(long position, long job) => new("orders", position, "mail", 0, Now, Now) { Job = job };

    private static InboxRow Message(string id) => new(1, id, MessageKind.EventCame, Flow);
}
