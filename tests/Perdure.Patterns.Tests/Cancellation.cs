namespace Perdure.Patterns.Tests;

// pattern 19
public sealed class DeliverCupboard(Shop shop) : IFlow<string>
{
    public async Task RunAsync(string cupboard, FlowContext flow)
    {
        await flow.First(
            () => flow.Step(s => shop.AssembleAsync(cupboard, s)),   // s: the attempt hears that it is not wanted any more
            () => flow.Signal<string>("no need to assemble", TimeSpan.FromDays(90)));
        await flow.Step(() => shop.ShipAsync(cupboard));
    }
}
// end

// pattern 20
public sealed class TakeOrder(Shop shop) : IFlow<string>
{
    public async Task RunAsync(string order, FlowContext flow)
    {
        await flow.Step(() => shop.ReserveAsync(order), undo: () => shop.ReleaseAsync(order));
        await flow.Child<MakeToMeasure>().Run(order);
        await flow.Step(() => shop.ShipAsync(order));
    }

    public static Task WithdrawAsync(IFlowClient<TakeOrder> orders, string order)
        => orders.Get(order).CancelAsync("the customer called");   // children too; what was done is undone
}
// end

public sealed class MakeToMeasure(Shop shop) : IFlow<string>
{
    public Task RunAsync(string order, FlowContext flow) => flow.Step(s => shop.AssembleAsync(order, s));
}

// pattern 25
public sealed class GrantLoan(Bank bank) : IFlow<string>
{
    public async Task RunAsync(string loan, FlowContext flow)
    {
        using var offer = new CancellationTokenSource();   // the region: whatever runs under this token, wherever it stands
        await Task.WhenAll(Check(), Rate(), Value());

        async Task Check()
        {
            if (!await flow.Step(() => bank.CheckPersonAsync(loan)))
            {
                offer.Cancel();   // not CancelAsync, which would leave the turn
            }
        }

        async Task Rate()
        {
            await InRegion(() => flow.Step(s => bank.RateAsync(loan, s)));
            await flow.Step(() => bank.ArchiveAsync(loan));   // not in it
        }

        async Task Value()
        {
            await flow.Step(() => bank.ValueAsync(loan));   // not in it
            await InRegion(() => flow.Step(s => bank.OfferAsync(loan, s)));
        }

        async Task InRegion(Func<Task> task)
        {
            try
            {
                await flow.Within(offer.Token, task);
            }
            catch (OperationCanceledException) when (offer.IsCancellationRequested)
            {
                // It is withdrawn, or does not begin; its branch goes on.
            }
        }
    }
}
// end

// pattern 26
public sealed class RecallCars(Garage garage) : IFlow<string[]>
{
    public async Task RunAsync(string[] cars, FlowContext flow)
    {
        bool areDone = await flow.First(
            async () => { await Task.WhenAll(cars.Select(car => flow.Step(s => garage.RepairAsync(car, s)))); return true; },
            async () => { await flow.Signal<string>("recall is off", TimeSpan.FromDays(300)); return false; });
        if (areDone)
        {
            await flow.Step(() => garage.ReportAsync());   // a cancelled task leads nowhere
        }
    }
}
// end

// pattern 27
public sealed class AskAround(Office office) : IFlow<string[]>
{
    public async Task RunAsync(string[] people, FlowContext flow)
    {
        List<string> answers = [];
        await flow.First(
            () => Task.WhenAll(people.Select(async person => answers.Add(await flow.Step(s => office.AskAsync(person, s))))),
            () => flow.Signal<string>("that is enough", TimeSpan.FromDays(30)));
        await flow.Step(() => office.SumUpAsync(string.Join(", ", answers)));   // with those that have come
    }
}
// end

public class Cancellation
{
    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Cancel_task_withdraws_it_and_goes_on(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<DeliverCupboard>(restarts, flow => flow.StartAsync("oak", "1"));
        await host.SignalAsync("no need to assemble");
        await host.EndAsync("Ship oak");

        host.Events.ShouldBe(["begin Assemble oak", "signal no need to assemble", "begin Ship oak", "withdraw Assemble oak", "end Ship oak", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Cancel_case_withdraws_all_with_its_children_and_undoes(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<TakeOrder>(restarts, flow => flow.StartAsync("oak", "1"));
        await host.EndAsync("Reserve oak");
        host.Running.ShouldBe(["Assemble oak"]);   // in the child
        await host.CallAsync<TakeOrder>("cancel", orders => TakeOrder.WithdrawAsync(orders, "1"));
        await host.EndAsync("Release oak");

        host.Events.ShouldBe([
            "begin Reserve oak", "end Reserve oak", "begin Assemble oak", "cancel", "begin Release oak", "withdraw Assemble oak", "end Release oak", "cancelled"]);
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Cancel_region_withdraws_its_tasks_wherever_they_stand_and_no_others(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<GrantLoan>(restarts, flow => flow.StartAsync("L1", "1"));
        await host.EndAsync("CheckPerson L1", false);
        host.Running.ShouldBe(["Archive L1", "Value L1"]);
        await host.EndEachAsync("Value L1", "Archive L1");   // the offer does not begin

        host.Events.ShouldBe([
            "begin CheckPerson L1", "begin Rate L1", "begin Value L1", "end CheckPerson L1", "begin Archive L1", "withdraw Rate L1",
            "end Value L1", "end Archive L1", "completed"]);

        await using PatternHost granted = await PatternHost.StartAsync<GrantLoan>(restarts, flow => flow.StartAsync("L1", "1"));
        await granted.EndAsync("CheckPerson L1", true);
        await granted.EndEachAsync("Rate L1", "Value L1", "Offer L1", "Archive L1");
        granted.Events[^1].ShouldBe("completed");
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Cancel_multiple_instance_task_withdraws_what_is_not_done(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<RecallCars>(restarts, flow => flow.StartAsync(["A", "B", "C"], "1"));
        await host.EndAsync("Repair B");
        await host.SignalAsync("recall is off");

        host.Events.ShouldBe([
            "begin Repair A", "begin Repair B", "begin Repair C", "end Repair B",
            "signal recall is off", "withdraw Repair A", "withdraw Repair C", "completed"]);

        await using PatternHost all = await PatternHost.StartAsync<RecallCars>(restarts, flow => flow.StartAsync(["A", "B"], "1"));
        await all.EndEachAsync("Repair B", "Repair A", "Report");
        all.Events[^1].ShouldBe("completed");
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Complete_multiple_instance_task_withdraws_what_is_not_done_and_goes_on(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<AskAround>(restarts, flow => flow.StartAsync(["Ada", "Bob", "Cleo"], "1"));
        await host.EndAsync("Ask Cleo", "yes");
        await host.EndAsync("Ask Ada", "no");
        await host.SignalAsync("that is enough");
        await host.EndAsync("SumUp yes, no");

        host.Events.ShouldBe([
            "begin Ask Ada", "begin Ask Bob", "begin Ask Cleo", "end Ask Cleo", "end Ask Ada",
            "signal that is enough", "begin SumUp yes, no", "withdraw Ask Bob", "end SumUp yes, no", "completed"]);
    }
}
