using Perdure.Storage;

namespace Perdure.Tests.Picture;

/// <summary>One order whose card is declined, in both styles.</summary>
internal static class Orders
{
    private static readonly ErrorInfo Declined = new(ErrorKind.Rejected, "PRD2001", "CardDeclinedException", "card declined");

    /// <summary>A flow says what happens: two steps, a job, and the steps' undos.</summary>
    public static Task<BusinessTransaction> OrchestratedAsync()
    {
        var rows = new Rows();
        rows.Flow(Rows.Run("create-order", "1042", 0, FlowStatus.Completed, 3_071),
            Rows.Input(0, InputKind.Started, -1, "S CreateOrder"),
            Rows.Input(14, InputKind.Completed, 0, "S CreateTicket", started: 2, attempts: 1),
            Rows.Input(1_050, InputKind.Completed, 1, "J authorize-card", started: 16, attempts: 2),
            Rows.Input(3_050, InputKind.Failed, 2, "U RejectTicket", error: Declined),
            Rows.Input(3_061, InputKind.Completed, 3, "U RejectOrder", started: 3_051, attempts: 1),
            Rows.Input(3_071, InputKind.Completed, 4, "=completed", started: 3_062, attempts: 1, ends: true));
        rows.JobEnd(new JobEndRow(0x1f, Rows.Home, "accounting", "authorize-card", JobStatus.Failed, Rows.At(1_052), Rows.At(3_048), Rows.At(1e9))
        {
            Attempts = 1,
            Correlation = "create-order/1042",
            More = Rows.More("flow:create-order/1042#2", "create-order/1042"),
            Result = Serialization.FlowJson.SerializeError(Declined),
        });
        return rows.ReadAsync("create-order/1042");
    }

    /// <summary>Each service does its part when it hears of what happened; a flow waits for how it ends.</summary>
    public static Task<BusinessTransaction> ChoreographedAsync()
    {
        const string Id = "01JNAX4M";
        var rows = new Rows();
        Event("orders", 1, "order-placed", 0, null);
        Deliver("orders", 1, "kitchen", 2, 16);
        Event("kitchen", 7, "ticket-created", 15, "event:orders/1@kitchen");
        Deliver("kitchen", 7, "accounting", 18, 3_020, failed: 1);
        Event("accounting", 3, "card-declined", 3_018, "event:kitchen/7@accounting");
        Deliver("accounting", 3, "kitchen", 3_021, 3_031);
        Event("kitchen", 8, "ticket-rejected", 3_030, "event:accounting/3@kitchen");
        Deliver("accounting", 3, "orders", 3_022, 3_034);
        Event("orders", 2, "order-rejected", 3_033, "event:accounting/3@orders");
        rows.Flow(Rows.Run("tell-customer", "1042", 4, FlowStatus.Completed, 3_052) with { Correlation = Id, Cause = "event:orders/1@tell-customer" },
            Rows.Input(4, InputKind.Started, -1, "A order-rejected/1042"),
            Rows.Input(3_035, InputKind.EventReceived, 0, "S SendMail"),
            Rows.Input(3_052, InputKind.Completed, 1, "=completed", started: 3_036, attempts: 1, ends: true));
        Deliver("orders", 1, "tell-customer", 3, 4);
        return rows.ReadAsync(Id);

        void Event(string topic, long position, string type, double at, string? cause)
            => rows.Event(new EventRow(Rows.Home, topic, position, position == 1 ? Id : $"{topic}-{position}", type, Rows.At(at)) { Key = "1042", Correlation = Id, Cause = cause, Time = Rows.At(at) });

        void Deliver(string topic, long position, string subscription, double from, double to, int failed = 0)
            => rows.Delivery(new DeliveryRow(topic, position, subscription, 0, Rows.At(from), Rows.At(to)) { Status = JobStatus.Completed, Attempts = failed });
    }
}
