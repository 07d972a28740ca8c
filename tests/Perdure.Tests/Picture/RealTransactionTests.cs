namespace Perdure.Tests.Picture;

/// <summary>Transactions of flows, jobs and events that really ran.</summary>
public class RealTransactionTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Fact]
    public async Task All_that_an_order_set_going_is_one_picture()
    {
        await using TestHost host = await TestHost.StartAsync(p => p
            .AddEvent<Placed>(e => e.Id, topic: "orders").AddEvent<Cooked>(e => e.Id, topic: "kitchen", e => e.Hold = Day)
            .AddQueue("mail").AddHandler<SendMail>("mail", (_, _) => Task.CompletedTask)
            .Subscribe<Placed>("cook", (e, job) =>
            {
                job.Publish(new Cooked(e.Id));
                return Task.CompletedTask;
            })
            .AddFlow("order", async (string id, FlowContext flow) =>
            {
                await flow.Step(() => Task.CompletedTask, undo: () => Task.CompletedTask, name: "reserve");
                flow.Publish(new Placed(id));
                await flow.Event<Cooked>(id, Day);
                await flow.Child<string, string>("ship").Run(id, "ship-" + id);
                await flow.Undo();
                return id;
            })
            .AddFlow("ship", async (string id, FlowContext flow) =>
            {
                await flow.Call(new SendMail(id));
                return id;
            }));
        await host.Perdure.Flow<string, string>("order").StartAsync("1042", "1042");
        await host.Perdure.Get("order", "1042").UntilAsync(FlowStatus.Completed);
        BusinessTransaction order = null!;
        await Deadline.UntilAsync("its end", async () => (order = await host.Perdure.TransactionAsync("order/1042")).IsComplete);

        order.Entries.Select(e => $"{e.Kind} {e.Name} {e.Key}".TrimEnd()).ShouldBe(
        [
            "Flow order/1042", "Step reserve", "Event placed 1042", "Delivery cook", "Event cooked 1042", "Wait cooked/1042", "Flow ship/ship-1042", "Job send-mail", "Undo reserve",
        ], order.ToText());
        TransactionEntry[] entries = [.. order.Entries];
        entries[4].Parent.ShouldBe(entries[3].Id);
        entries[5].AnsweredBy.ShouldBe(entries[4].Id);
        entries[7].Parent.ShouldBe(entries[6].Id);
        entries[8].Undoes.ShouldBe(entries[1].Id);
        entries.ShouldAllBe(e => e.Status == TransactionEntryStatus.Completed);
    }

    private sealed record Placed(string Id);

    private sealed record Cooked(string Id);

    private sealed record SendMail(string To) : IJob;
}
