namespace Perdure.Patterns.Tests;

public sealed record Accident(string Id, bool Hurts, bool Breaks);

// pattern 37
public sealed class SettleAccident(Insurer insurer) : IFlow<Accident>
{
    public async Task RunAsync(Accident accident, FlowContext flow)
    {
        List<Task> active = [];   // what leads to the merge: whoever begins a branch adds it
        if (accident.Hurts)
        {
            active.Add(Person());
        }

        if (accident.Breaks)
        {
            active.Add(flow.Step(() => insurer.EstimateAsync(accident.Id)));
        }

        for (int i = 0; i < active.Count; i++)
        {
            await active[i];   // those, too, that were added meanwhile
        }

        await flow.Step(() => insurer.PayAsync(accident.Id));

        async Task Person()
        {
            if (await flow.Step(() => insurer.NeedsExpertAsync(accident.Id)))
            {
                active.Add(flow.Step(() => insurer.ExpertAsync(accident.Id)));
            }

            await flow.Step(() => insurer.ExamineAsync(accident.Id));
        }
    }
}
// end

// pattern 38
public sealed class PrintBrochure(Press press) : IFlow<string>
{
    public async Task RunAsync(string title, FlowContext flow)
    {
        Task aside = Task.CompletedTask;
        List<Task> coming = [];   // what may still reach the merge
        coming.Add(Text());
        coming.Add(Pictures());
        for (int i = 0; i < coming.Count; i++)
        {
            await coming[i];   // it has come, or never will
        }

        await flow.Step(() => press.PrintAsync(title));
        await aside;

        async Task Text()
        {
            while (!await flow.Step(() => press.IsGoodAsync(title)))   // a cycle before the merge,
            {
                coming.Add(flow.Step(() => press.ResearchAsync(title)));   // and each round sends another branch there
                await flow.Step(() => press.DraftAsync(title));
            }
        }

        async Task Pictures()
        {
            if (!await flow.Step(() => press.HasRightsAsync(title)))
            {
                aside = flow.Step(() => press.DisputeAsync(title));   // turned off: the merge does not wait for it
                return;
            }

            await flow.Step(() => press.DrawAsync(title));
        }
    }
}
// end

// pattern 41
public sealed class FillBottles(Plant plant) : IFlow<int>
{
    public async Task RunAsync(int bottles, FlowContext flow)
    {
        int filled = 0;
        await Task.WhenAll(Enumerable.Range(1, bottles).Select(Fill));

        async Task Fill(int bottle)
        {
            await flow.Step(() => plant.FillAsync(bottle));
            if (++filled % 3 == 0)   // of three threads two end here, and one goes on
            {
                int crate = filled / 3;
                await flow.Step(() => plant.PackAsync(crate));
            }
        }
    }
}
// end

// pattern 42
public sealed class SignContract(Office office) : IFlow<string, int>
{
    public async Task<int> RunAsync(string contract, FlowContext flow)
    {
        bool[] signed = await Task.WhenAll(Enumerable.Range(1, 3).Select(Copy));   // three threads in one branch
        return signed.Count(isSigned => isSigned);

        async Task<bool> Copy(int number)
        {
            await flow.Step(() => office.PrintAsync($"{contract} {number}"));
            return await flow.Step(() => office.SignAsync($"{contract} {number}"));
        }
    }
}
// end

public class Merges
{
    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Acyclic_synchronizing_merge_waits_for_each_branch_that_became_active(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<SettleAccident>(restarts, flow => flow.StartAsync(new Accident("A1", Hurts: true, Breaks: true), "1"));
        await host.EndAsync("NeedsExpert A1", true);
        await host.EndEachAsync("Examine A1", "Estimate A1");
        host.Running.ShouldBe(["Expert A1"]);   // begun on the way, and waited for
        await host.EndEachAsync("Expert A1", "Pay A1");

        host.Events.ShouldBe([
            "begin Estimate A1", "begin NeedsExpert A1", "end NeedsExpert A1", "begin Examine A1", "begin Expert A1",
            "end Examine A1", "end Estimate A1", "end Expert A1", "begin Pay A1", "end Pay A1", "completed"]);

        await using PatternHost unhurt = await PatternHost.StartAsync<SettleAccident>(restarts, flow => flow.StartAsync(new Accident("A2", Hurts: false, Breaks: true), "1"));
        await unhurt.EndEachAsync("Estimate A2", "Pay A2");
        unhurt.Events[^1].ShouldBe("completed");
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task General_synchronizing_merge_waits_for_what_can_still_come_and_for_nothing_else(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<PrintBrochure>(restarts, flow => flow.StartAsync("bees", "1"));
        await host.EndAsync("HasRights bees", false);   // turns off
        await host.EndAsync("IsGood bees", false);      // goes around
        await host.EndAsync("Draft bees");
        await host.EndAsync("IsGood bees", true);       // has come
        host.Running.ShouldBe(["Dispute bees", "Research bees"]);
        await host.EndAsync("Research bees");           // the last that could
        await host.EndEachAsync("Print bees", "Dispute bees");

        host.Events.ShouldBe([
            "begin HasRights bees", "begin IsGood bees", "end HasRights bees", "begin Dispute bees",
            "end IsGood bees", "begin Draft bees", "begin Research bees", "end Draft bees", "begin IsGood bees", "end IsGood bees",
            "end Research bees", "begin Print bees", "end Print bees", "end Dispute bees", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Thread_merge_makes_one_thread_of_three(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<FillBottles>(restarts, flow => flow.StartAsync(6, "1"));
        await host.EndEachAsync("Fill 5", "Fill 2", "Fill 6", "Fill 1", "Fill 3");
        host.Running.ShouldBe(["Fill 4", "Pack 1"]);
        await host.EndEachAsync("Fill 4", "Pack 2", "Pack 1");

        host.Events.Skip(6).ShouldBe([
            "end Fill 5", "end Fill 2", "end Fill 6", "begin Pack 1", "end Fill 1", "end Fill 3", "end Fill 4", "begin Pack 2",
            "end Pack 2", "end Pack 1", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Thread_split_makes_three_threads_of_one(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<SignContract>(restarts, flow => flow.StartAsync("lease", "1"));
        await host.EndAsync("Print lease 3");
        host.Running.ShouldBe(["Print lease 1", "Print lease 2", "Sign lease 3"]);   // each at its own pace
        await host.EndAsync("Sign lease 3", true);
        await host.EndEachAsync("Print lease 1", "Print lease 2");
        await host.EndAsync("Sign lease 1", true);
        await host.EndAsync("Sign lease 2", false);

        host.Result.ShouldBe("2");
    }
}
