using Perdure.Diagnostics;
using Perdure.Events;
using Perdure.Picture;
using Perdure.Queues;
using Perdure.Storage;

namespace Perdure.Tests.Picture;

/// <summary>What rows become when they are gathered.</summary>
public class TransactionTests
{
    private static readonly string[] Chain = ["event:a/1", "event:a/2", "event:a/3"];

    [Fact]
    public async Task An_orchestrated_order_is_one_flow_with_its_steps_its_job_and_what_was_undone()
    {
        BusinessTransaction order = await Orders.OrchestratedAsync();

        order.CorrelationId.ShouldBe("create-order/1042");
        order.Entries.Select(e => (e.Id, e.Kind, e.Parent)).ShouldBe(
        [
            ("flow:create-order/1042", TransactionEntryKind.Flow, null),
            ("flow:create-order/1042#0", TransactionEntryKind.Step, "flow:create-order/1042"),
            ("flow:create-order/1042#1", TransactionEntryKind.Step, "flow:create-order/1042"),
            ("job:accounting-1f", TransactionEntryKind.Job, "flow:create-order/1042"),
            ("flow:create-order/1042#3", TransactionEntryKind.Undo, "flow:create-order/1042"),
            ("flow:create-order/1042#4", TransactionEntryKind.Undo, "flow:create-order/1042"),
        ]);
        TransactionEntry ticket = Get(order, "flow:create-order/1042#1");
        ticket.ShouldSatisfyAllConditions(
            () => ticket.Waited.ShouldBe(TimeSpan.FromMilliseconds(2)),
            () => ticket.Worked.ShouldBe(TimeSpan.FromMilliseconds(1_034)),
            () => ticket.FailedAttempts.ShouldBe(1),
            () => ticket.UndoneBy.ShouldBe("flow:create-order/1042#3"));
        TransactionEntry job = Get(order, "job:accounting-1f");
        job.ShouldSatisfyAllConditions(
            () => job.Cause.ShouldBe("flow:create-order/1042#2"),
            () => job.IsAwaited.ShouldBeTrue(),
            () => job.Status.ShouldBe(TransactionEntryStatus.Failed),
            () => job.Error!.Message.ShouldBe("card declined"));
        Get(order, "flow:create-order/1042#4").Undoes.ShouldBe("flow:create-order/1042#0");
        order.Entries[0].Worked.ShouldBe(TimeSpan.FromMilliseconds(12 + 1_034 + 10 + 9));
        order.IsComplete.ShouldBeTrue();
        order.EndedAt.ShouldBe(Rows.At(3_071));
    }

    [Fact]
    public async Task A_choreographed_order_is_a_tree_of_events_and_of_what_their_handlers_did()
    {
        BusinessTransaction order = await Orders.ChoreographedAsync();

        Get(order, "event:kitchen/7").Parent.ShouldBe("event:orders/1@kitchen");
        TransactionEntry accounting = Get(order, "event:kitchen/7@accounting");
        accounting.Waited.ShouldBe(TimeSpan.FromMilliseconds(3));
        accounting.FailedAttempts.ShouldBe(1);
        Get(order, "flow:tell-customer/1042").Parent.ShouldBe("event:orders/1@tell-customer");
        Get(order, "flow:tell-customer/1042#0").AnsweredBy.ShouldBe("event:orders/2");
        order.BeganAt.ShouldBe(Rows.Start);
        order.IsComplete.ShouldBeTrue();
    }

    [Fact]
    public async Task A_job_is_found_by_its_own_id_open_and_ended()
    {
        var rows = new Rows();
        rows.Job(new JobRow(10, Rows.Home, "mail", "send", Rows.Start) { State = new JobState(100) });
        rows.Job(new JobRow(11, Rows.Home, "mail", "send", Rows.Start) { State = new JobState(100, More: Rows.More("job:mail-a", "mail-a")) });
        rows.JobEnd(new JobEndRow(12, Rows.Home, "mail", "send", JobStatus.Completed, Rows.Start, Rows.At(5), Rows.At(1e9)));

        (await rows.ReadAsync("mail-a")).Entries.Select(e => (e.Id, e.Parent, e.IsOpen)).ShouldBe([("job:mail-a", null, true), ("job:mail-b", "job:mail-a", true)]);
        (await rows.ReadAsync("mail-c")).EndedAt.ShouldBe(Rows.At(5));
        await Should.ThrowAsync<TransactionNotFoundException>(() => rows.ReadAsync("mail-b")); // it belongs to another one
        await Should.ThrowAsync<TransactionNotFoundException>(() => rows.ReadAsync("post-a"));
    }

    [Fact]
    public async Task A_run_that_belongs_to_another_transaction_is_not_found_by_its_own_name()
    {
        var rows = new Rows();
        rows.Flow(Rows.Run("order", "1", 0, FlowStatus.Running), Rows.Input(0, InputKind.Started, -1, "C ship/1"));
        rows.Flow(Rows.Run("ship", "1", 1, FlowStatus.Running) with { Correlation = "order/1", Parent = new ParentRef(new FlowKey("order", "1"), 0) }, Rows.Input(1, InputKind.Started, -1, "S Ship"));

        BusinessTransaction order = await rows.ReadAsync("order/1");
        PerdureException error = await Should.ThrowAsync<TransactionNotFoundException>(() => rows.ReadAsync("ship/1"));

        order.Entries.Select(e => (e.Id, e.IsAwaited)).ShouldBe([("flow:order/1", false), ("flow:ship/1", true), ("flow:ship/1#0", false)]);
        order.IsComplete.ShouldBeFalse();
        order.EndedAt.ShouldBeNull();
        error.Code.ShouldBe(ErrorCodes.TransactionNotFound);
    }

    [Fact]
    public async Task What_was_asked_for_and_has_no_row_shows_as_asked_for()
    {
        var rows = new Rows();
        rows.Flow(Rows.Run("order", "1", 0, FlowStatus.Running), Rows.Input(0, InputKind.Started, -1, "C ship/1\nJ charge\nE audit\nV placed\nT cooling\nW paid\nL region\nS Slow"));
        rows.Backoff(new BackoffRow(0, 7, 3, Rows.At(4), Rows.At(900), Serialization.FlowJson.SerializeError(new ErrorInfo(ErrorKind.Transient, "PRD2002", "X", "503"))));

        (await rows.ReadAsync("order/1")).Entries.Skip(1).Select(e => (e.Kind, e.Name, e.Status)).ShouldBe(
        [
            (TransactionEntryKind.Child, "ship/1", TransactionEntryStatus.Waiting),
            (TransactionEntryKind.Job, "charge", TransactionEntryStatus.Waiting),
            (TransactionEntryKind.Job, "audit", TransactionEntryStatus.Unknown),
            (TransactionEntryKind.Event, "placed", TransactionEntryStatus.Completed),
            (TransactionEntryKind.Timer, "cooling", TransactionEntryStatus.Waiting),
            (TransactionEntryKind.Wait, "paid", TransactionEntryStatus.Waiting),
            (TransactionEntryKind.Step, "Slow", TransactionEntryStatus.Running),
        ]);
        TransactionEntry slow = (await rows.ReadAsync("order/1")).Entries[^1];
        slow.FailedAttempts.ShouldBe(3);
        slow.StartedAt.ShouldBe(Rows.At(4));
        slow.Error!.Message.ShouldBe("503");
    }

    [Fact]
    public async Task Which_step_an_undo_undoes_is_said_only_where_it_is_certain()
    {
        var rows = new Rows();
        rows.Flow(Rows.Run("order", "1", 0, FlowStatus.Failed, 60),
            Rows.Input(0, InputKind.Started, -1, "S Create"),
            Rows.Input(10, InputKind.Completed, 0, "S Verify"), // has no undo
            Rows.Input(20, InputKind.Completed, 1, "S Ticket"),
            Rows.Input(30, InputKind.Completed, 2, "U Ticket"),
            Rows.Input(40, InputKind.Completed, 3, "U Reject"),
            Rows.Input(50, InputKind.Completed, 4, "=failed", ends: true));

        BusinessTransaction order = await rows.ReadAsync("order/1");

        Get(order, "flow:order/1#2").UndoneBy.ShouldBe("flow:order/1#3"); // named alike
        Get(order, "flow:order/1#4").Undoes.ShouldBeNull();
        Get(order, "flow:order/1#0").UndoneBy.ShouldBeNull();
    }

    [Fact]
    public async Task Deliveries_are_found_wherever_in_the_log_their_events_are()
    {
        long[] positions = [1, 2, 100, 5_000, 5_128, 5_257];
        var rows = new Rows();
        foreach (long position in positions)
        {
            rows.Event(new EventRow(Rows.Home, "a", position, $"{position}", "e", Rows.At(position)) { Correlation = "tx" });
            rows.Delivery(new DeliveryRow("a", position, "s", 0, Rows.At(position), Rows.At(position + 1)) { Status = JobStatus.Completed });
            rows.Delivery(new DeliveryRow("a", position + 1, "s", 0, Rows.At(position), Rows.At(position + 1)) { Status = JobStatus.Completed });
        }

        BusinessTransaction transaction = await rows.ReadAsync("tx");

        transaction.Entries.Where(e => e.Kind == TransactionEntryKind.Delivery).Select(e => e.Id).ShouldBe(positions.Select(p => $"event:a/{p}@s"));
    }

    [Fact]
    public async Task A_delivery_that_goes_on_as_a_job_stands_as_that_does()
    {
        var rows = new Rows();
        rows.Event(new EventRow(Rows.Home, "a", 1, "1", "e", Rows.Start) { Correlation = "1" });
        rows.Delivery(new DeliveryRow("a", 1, "s", 0, Rows.At(2), Rows.At(3)) { Status = JobStatus.Waiting, Attempts = 1 });
        rows.JobEnd(new JobEndRow(77, Rows.Home, "s", "e", JobStatus.Failed, Rows.Start, Rows.At(90), Rows.At(1e9))
        {
            Attempts = 5,
            Correlation = "1",
            More = JobMore.Write(new JobMore { Correlation = "1", Event = new EventRef { Topic = "a", Position = 1 } }),
            Result = Serialization.FlowJson.SerializeError(new ErrorInfo(ErrorKind.Permanent, "PRD1018", "X", "no luck")),
        });

        TransactionEntry delivery = (await rows.ReadAsync("1")).Entries.Skip(1).ShouldHaveSingleItem();

        delivery.ShouldSatisfyAllConditions(
            () => delivery.Id.ShouldBe("event:a/1@s"),
            () => delivery.Status.ShouldBe(TransactionEntryStatus.Failed),
            () => delivery.FailedAttempts.ShouldBe(5),
            () => delivery.EndedAt.ShouldBe(Rows.At(90)),
            () => delivery.Error!.Message.ShouldBe("no luck"));
    }

    [Fact]
    public async Task What_a_rewound_subscription_did_again_stands_under_its_second_delivery()
    {
        var rows = new Rows();
        rows.Event(new EventRow(Rows.Home, "a", 1, "1", "e", Rows.Start) { Correlation = "1" });
        rows.Delivery(new DeliveryRow("a", 1, "s", 0, Rows.At(1), Rows.At(3)) { Status = JobStatus.Completed });
        rows.Delivery(new DeliveryRow("a", 1, "s", 1, Rows.At(1_000), Rows.At(1_003)) { Status = JobStatus.Completed });
        rows.Event(new EventRow(Rows.Home, "b", 1, "2", "f", Rows.At(2)) { Correlation = "1", Cause = "event:a/1@s" });
        rows.Event(new EventRow(Rows.Home, "b", 2, "3", "f", Rows.At(1_002)) { Correlation = "1", Cause = "event:a/1@s" });

        BusinessTransaction transaction = await rows.ReadAsync("1");

        Get(transaction, "event:b/1").Parent.ShouldBe("event:a/1@s");
        Get(transaction, "event:b/2").Parent.ShouldBe("event:a/1@s~2");
    }

    [Fact]
    public void Subscriptions_that_have_yet_to_handle_an_event_keep_the_transaction_open()
    {
        var rows = new TransactionRows { PendingOf = e => e.Position == 1 ? [("kitchen", 0), ("accounting", 0)] : [] };
        rows.Events.Add(new EventRow(Rows.Home, "a@b", 1, "1", "e", Rows.Start));
        rows.Events.Add(new EventRow(Rows.Home, "a@b", 2, "2", "f", Rows.At(9)) { Cause = "event:a@b/1@kitchen" });
        rows.Events.Add(new EventRow(Rows.Home, "a@b", 3, "3", "f", Rows.At(9)) { Cause = "event:a@b/2@late" });
        rows.Deliveries.Add(new DeliveryRow("a@b", 1, "accounting", 0, Rows.At(1), Rows.At(2)) { Status = JobStatus.Completed });

        BusinessTransaction transaction = TransactionBuilder.Build("1", rows);

        transaction.IsComplete.ShouldBeFalse();
        Get(transaction, "event:a@b/1@kitchen").Status.ShouldBe(TransactionEntryStatus.Waiting);
        Get(transaction, "event:a@b/1@accounting").Status.ShouldBe(TransactionEntryStatus.Completed);
        Get(transaction, "event:a@b/2@late").Status.ShouldBe(TransactionEntryStatus.Running); // it has caused something, and is not done
    }

    [Fact]
    public void Causes_in_a_circle_are_cut_open()
    {
        List<TransactionEntry> circle = [.. Chain.Select((id, i) => new TransactionEntry(id, TransactionEntryKind.Event, "e", "a", Rows.At(i)) { Cause = Chain[(i + 2) % 3] })];

        List<TransactionEntry> sorted = EntryTree.Sort(circle);

        sorted.Select(e => (e.Id, e.Parent)).ShouldBe([("event:a/1", null), ("event:a/2", "event:a/1"), ("event:a/3", "event:a/2")]);
    }

    private static TransactionEntry Get(BusinessTransaction transaction, string id) => transaction.Entries.Single(e => e.Id == id);
}
