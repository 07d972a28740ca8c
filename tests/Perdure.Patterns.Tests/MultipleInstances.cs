namespace Perdure.Patterns.Tests;

// pattern 12
public sealed class PublishIssue(Press press) : IFlow<string[]>
{
    public async Task RunAsync(string[] readers, FlowContext flow)
    {
        foreach (string reader in readers)
        {
            _ = flow.Step(() => press.MailAsync(reader));   // nobody waits for it but the run's end
        }

        await flow.Step(() => press.ArchiveAsync("issue"));
    }
}
// end

// pattern 13
public sealed class ReviewPaper(Press press) : IFlow<string, int>
{
    private static readonly string[] Referees = ["Ada", "Bob", "Cleo"];

    public async Task<int> RunAsync(string paper, FlowContext flow)
    {
        int[] marks = await Task.WhenAll(Referees.Select(referee => flow.Step(() => press.ReviewAsync(referee))));
        return await flow.Step(() => press.DecideAsync(marks.Sum()));
    }
}
// end

// pattern 14
public sealed class CheckOrder(Shop shop) : IFlow<string>
{
    public async Task RunAsync(string order, FlowContext flow)
    {
        string[] lines = await flow.Step(() => shop.LinesAsync(order));   // known from here on
        await Task.WhenAll(lines.Select(line => flow.Step(() => shop.ReserveAsync(line))));
        await flow.Step(() => shop.PackAsync(order));
    }
}
// end

// pattern 15
public sealed class InvestigateAccident(Insurer insurer) : IFlow<string[]>
{
    public async Task RunAsync(string[] witnesses, FlowContext flow)
    {
        List<Task> interviews = [.. witnesses.Select(Interview)];
        while (interviews.Exists(interview => !interview.IsCompleted))
        {
            string? another = await flow.First(
                () => flow.Signal<string?>("witness", TimeSpan.FromDays(90)),
                async () => { await Task.WhenAll(interviews); return null; });   // until then there may be more
            if (another is not null)
            {
                interviews.Add(Interview(another));
            }
        }

        await flow.Step(() => insurer.WriteAsync($"{interviews.Count} statements"));

        Task Interview(string witness) => flow.Step(() => insurer.InterviewAsync(witness));
    }
}
// end

public class MultipleInstances
{
    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Without_synchronization_the_flow_goes_on_at_once(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<PublishIssue>(restarts, flow => flow.StartAsync(["Ada", "Bob"], "1"));
        host.Running.ShouldBe(["Archive issue", "Mail Ada", "Mail Bob"]);
        await host.EndEachAsync("Mail Bob", "Archive issue", "Mail Ada");

        host.Events.ShouldBe(["begin Archive issue", "begin Mail Ada", "begin Mail Bob", "end Mail Bob", "end Archive issue", "end Mail Ada", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task With_a_priori_design_time_knowledge(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<ReviewPaper>(restarts, flow => flow.StartAsync("bees", "1"));
        await host.EndAsync("Review Cleo", 3);
        await host.EndAsync("Review Ada", 1);
        host.Running.ShouldBe(["Review Bob"]);
        await host.EndAsync("Review Bob", 2);
        await host.EndAsync("Decide 6", 1);

        host.Events.ShouldBe([
            "begin Review Ada", "begin Review Bob", "begin Review Cleo",
            "end Review Cleo", "end Review Ada", "end Review Bob", "begin Decide 6", "end Decide 6", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task With_a_priori_run_time_knowledge(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<CheckOrder>(restarts, flow => flow.StartAsync("tea", "1"));
        await host.EndAsync("Lines tea", new[] { "pot", "cup" });
        host.Running.ShouldBe(["Reserve cup", "Reserve pot"]);
        await host.EndEachAsync("Reserve pot", "Reserve cup", "Pack tea");

        host.Events.ShouldBe([
            "begin Lines tea", "end Lines tea", "begin Reserve cup", "begin Reserve pot",
            "end Reserve pot", "end Reserve cup", "begin Pack tea", "end Pack tea", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Without_a_priori_run_time_knowledge_more_may_come_while_some_run(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<InvestigateAccident>(restarts, flow => flow.StartAsync(["Ada"], "1"));
        await host.SignalAsync("witness", "Bob");
        await host.EndAsync("Interview Ada");
        await host.SignalAsync("witness", "Cleo");
        await host.EndEachAsync("Interview Cleo", "Interview Bob");
        host.Waits.ShouldBeEmpty();   // too late for another one
        await host.EndAsync("Write 3 statements");

        host.Events.ShouldBe([
            "begin Interview Ada", "signal witness", "begin Interview Bob", "end Interview Ada", "signal witness", "begin Interview Cleo",
            "end Interview Cleo", "end Interview Bob", "begin Write 3 statements", "end Write 3 statements", "completed"]);
    }
}
