using System.Diagnostics;
using Orders.Services;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Orders.Report;

/// <summary>Shows how far it has come: alive in a terminal, a line each second in a pipe.</summary>
internal static class Progress
{
    public static Task ShowAsync(Tally tally, FaultyNetwork network, CancellationToken done)
        => Console.IsOutputRedirected ? WriteAsync(tally, network, done) : DrawAsync(tally, network, done);

    private static Task DrawAsync(Tally tally, FaultyNetwork network, CancellationToken done)
        => AnsiConsole.Live(Picture(tally, network)).AutoClear(true).StartAsync(async live =>
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
            while (await timer.NextAsync(done))
            {
                live.UpdateTarget(Picture(tally, network));
            }
        });

    private static async Task WriteAsync(Tally tally, FaultyNetwork network, CancellationToken done)
    {
        long start = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        while (await timer.NextAsync(done))
        {
            Console.WriteLine($"{Stopwatch.GetElapsedTime(start).TotalSeconds,4:0} s: {tally.Ended} of {tally.Expected} orders done,"
                + $" {tally.Count("approved")} approved, {tally.Count("rejected")} rejected; {network.Counts}");
        }
    }

    private static Panel Picture(Tally tally, FaultyNetwork network)
    {
        BreakdownChart bar = new BreakdownChart().FullSize()
            .AddItem("approved", tally.Count("approved"), Color.Green)
            .AddItem("rejected", tally.Count("rejected"), Color.Orange1)
            .AddItem("failed or stuck", tally.Count("failed") + tally.Count("stuck"), Color.Red)
            .AddItem("to do", tally.Expected - tally.Ended, Color.Grey35);
        IRenderable faults = new Markup($"[grey]on the network: {network.Counts}[/]");
        return new Panel(new Rows(bar, faults)).Header($"{tally.Ended} of {tally.Expected} orders").Expand().BorderColor(Color.Grey);
    }
}
