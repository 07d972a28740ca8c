namespace Perdure.Patterns.Tests;

// pattern 16
public sealed class ChaseInvoice(Office office) : IFlow<string>
{
    public async Task RunAsync(string invoice, FlowContext flow)
    {
        Func<Task> chosen = await flow.First<Func<Task>>(
            async () =>
            {
                string bank = await flow.Signal<string>("payment", TimeSpan.FromDays(90));
                return () => flow.Step(() => office.BookAsync(bank));
            },
            async () =>
            {
                string reason = await flow.Signal<string>("complaint", TimeSpan.FromDays(90));
                return () => flow.Step(() => office.AnswerAsync(reason));
            },
            async () =>
            {
                await flow.Delay(TimeSpan.FromDays(14));
                return () => flow.Step(() => office.RemindAsync(invoice));
            });
        await chosen();   // what happened first decided; the other waits are withdrawn
    }
}
// end

// pattern 17
public sealed class Examine(Clinic clinic) : IFlow<string>
{
    private Task _last = Task.CompletedTask;

    public Task RunAsync(string patient, FlowContext flow)
    {
        return Task.WhenAll(Blood(), Heart());

        async Task Blood()
        {
            await Alone(() => flow.Step(() => clinic.DrawBloodAsync(patient)));
            await Alone(() => flow.Step(() => clinic.DressAsync(patient)));
        }

        async Task Heart()
        {
            await Alone(() => flow.Step(() => clinic.ListenAsync(patient)));
            await Alone(() => flow.Step(() => clinic.RecordAsync(patient)));
        }
    }

    private Task Alone(Func<Task> task) => _last = After(_last, task);   // one at a time, in the order of asking

    private static async Task After(Task before, Func<Task> task)
    {
        await Task.WhenAny(before);   // however it ended
        await task();
    }
}
// end

// pattern 18
public sealed class DeliverParcel(Shop shop) : IFlow<string>
{
    private enum State { Ordered, Packed, OnItsWay }

    public async Task RunAsync(string order, FlowContext flow)
    {
        State state = State.Ordered;
        Task relabel = Relabel();
        await flow.Step(() => shop.PackAsync(order));
        state = State.Packed;   // the milestone
        await flow.Signal<string>("truck", TimeSpan.FromDays(7));
        state = State.OnItsWay;   // beyond it
        await flow.Step(() => shop.ShipAsync(order));
        await relabel;

        async Task Relabel()
        {
            string? address = await flow.First<string?>(
                async () => { await flow.Until(() => state > State.Packed, TimeSpan.FromDays(9)); return null; },   // never again
                async () =>
                {
                    string to = await flow.Signal<string>("address", TimeSpan.FromDays(9));
                    await flow.Until(() => state == State.Packed, TimeSpan.FromDays(9));
                    return to;
                });
            if (address is not null)
            {
                await flow.Step(() => shop.LabelAsync(address));
            }
        }
    }
}
// end

// pattern 39
public sealed class RunExperiments(Lab lab) : IFlow<string[]>
{
    private Task _last = Task.CompletedTask;

    public async Task RunAsync(string[] samples, FlowContext flow)
    {
        await Task.WhenAll(samples.Select(async sample =>
        {
            await flow.Step(() => lab.PrepareAsync(sample));   // side by side
            await Alone(async () =>
            {
                await flow.Step(() => lab.HeatAsync(sample));   // the oven takes one sample, from heating
                await flow.Step(() => lab.CoolAsync(sample));   // to cooling
            });
            await flow.Step(() => lab.MeasureAsync(sample));
        }));
    }

    private Task Alone(Func<Task> section) => _last = After(_last, section);

    private static async Task After(Task before, Func<Task> section)
    {
        await Task.WhenAny(before);
        await section();
    }
}
// end

// pattern 40
public sealed class CheckUp(Clinic clinic) : IFlow<string[]>
{
    public async Task RunAsync(string[] stations, FlowContext flow)
    {
        HashSet<string> left = [.. stations];
        while (left.Count > 0)
        {
            string next = await flow.Signal<string>("station is free", TimeSpan.FromDays(1));   // any order
            if (left.Remove(next))   // each once
            {
                await flow.Step(() => clinic.VisitAsync(next));   // one at a time
            }
        }

        await flow.Step(() => clinic.ReportAsync());
    }
}
// end

public class StateBased
{
    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Deferred_choice_is_made_by_what_happens_first_and_withdraws_the_others(Restarts restarts)
    {
        await using PatternHost paid = await PatternHost.StartAsync<ChaseInvoice>(restarts, flow => flow.StartAsync("I3", "1"));
        paid.Waits.ShouldBe(["payment", "complaint", "delay"]);
        paid.Running.ShouldBeEmpty();   // nothing is chosen, nothing has begun
        await paid.SignalAsync("payment", "by bank");
        paid.Waits.ShouldBeEmpty();
        await paid.SignalAsync("complaint", "too late");
        await paid.EndAsync("Book by bank");
        paid.Events.ShouldBe(["signal payment", "begin Book by bank", "signal complaint", "end Book by bank", "completed"]);

        await using PatternHost late = await PatternHost.StartAsync<ChaseInvoice>(restarts, flow => flow.StartAsync("I3", "1"));
        await late.PassAsync(TimeSpan.FromDays(15));
        await late.SignalAsync("payment", "by bank");
        await late.EndAsync("Remind I3");
        late.Events.ShouldBe(["pass 15 d", "begin Remind I3", "signal payment", "end Remind I3", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Interleaved_parallel_routing_keeps_the_order_of_each_branch_and_runs_one_at_a_time(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<Examine>(restarts, flow => flow.StartAsync("Ada", "1"));
        foreach (string step in new[] { "DrawBlood Ada", "Listen Ada", "Dress Ada", "Record Ada" })
        {
            host.Running.ShouldBe([step]);
            await host.EndAsync(step);
        }

        host.Events[^1].ShouldBe("completed");
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Interleaved_parallel_routing_goes_on_after_one_that_fails(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<Examine>(restarts, flow => flow.StartAsync("Ada", "1"));
        await host.EndAsync("DrawBlood Ada", new RejectedException("no vein"));
        await host.EndEachAsync("Listen Ada", "Record Ada");

        host.Events[^1].ShouldBe("failed");
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Milestone_allows_a_task_only_while_it_is_reached_and_not_passed(Restarts restarts)
    {
        await using PatternHost early = await PatternHost.StartAsync<DeliverParcel>(restarts, flow => flow.StartAsync("tea", "1"));
        await early.SignalAsync("address", "Oslo");
        early.Running.ShouldBe(["Pack tea"]);   // not yet
        await early.EndAsync("Pack tea");
        early.Running.ShouldBe(["Label Oslo"]);
        await early.SignalAsync("truck");   // the test of the state does not hold it up
        await early.EndEachAsync("Ship tea", "Label Oslo");
        early.Events.ShouldBe([
            "begin Pack tea", "signal address", "end Pack tea", "begin Label Oslo", "signal truck", "begin Ship tea", "end Ship tea", "end Label Oslo", "completed"]);

        await using PatternHost late = await PatternHost.StartAsync<DeliverParcel>(restarts, flow => flow.StartAsync("tea", "1"));
        await late.EndAsync("Pack tea");
        await late.SignalAsync("truck");
        await late.SignalAsync("address", "Oslo");   // never again
        await late.EndAsync("Ship tea");
        late.Events.ShouldBe(["begin Pack tea", "end Pack tea", "signal truck", "begin Ship tea", "signal address", "end Ship tea", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Critical_section_is_left_before_another_is_entered(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<RunExperiments>(restarts, flow => flow.StartAsync(["A", "B"], "1"));
        await host.EndEachAsync("Prepare B", "Prepare A");
        host.Running.ShouldBe(["Heat B"]);
        await host.EndAsync("Heat B");
        host.Running.ShouldBe(["Cool B"]);   // A does not come between
        await host.EndAsync("Cool B");
        host.Running.ShouldBe(["Heat A", "Measure B"]);
        await host.EndEachAsync("Heat A", "Cool A", "Measure A", "Measure B");

        host.Events[^1].ShouldBe("completed");
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Interleaved_routing_runs_each_once_in_any_order_and_one_at_a_time(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<CheckUp>(restarts, flow => flow.StartAsync(["eyes", "ears"], "1"));
        await host.SignalAsync("station is free", "ears");
        await host.SignalAsync("station is free", "ears");   // once is enough
        await host.SignalAsync("station is free", "eyes");
        host.Running.ShouldBe(["Visit ears"]);
        await host.EndEachAsync("Visit ears", "Visit eyes", "Report");

        host.Events.ShouldBe([
            "signal station is free", "begin Visit ears", "signal station is free", "signal station is free", "end Visit ears",
            "begin Visit eyes", "end Visit eyes", "begin Report", "end Report", "completed"]);
    }
}
