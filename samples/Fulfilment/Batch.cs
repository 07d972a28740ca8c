using System.Diagnostics;
using Fulfilment.Checkout;
using Fulfilment.Participants;

namespace Fulfilment;

/// <summary>Runs the services of this process. Where the checkout is among them it places orders, and ends when they have.</summary>
internal static class Batch
{
    private const int Interrupted = 130;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    public static async Task<int> RunAsync(CommandLine line)
    {
        string me = line.Options.Here.ToString().ToLowerInvariant();
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders().AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace)
            .SetMinimumLevel(LogLevel.Error)
            .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);      // why the start failed is said by Program, in one line
        FulfilmentOptions options = line.Options.Amqp is null ? line.Options : line.Options with
        {
            Heard = (_, message) => Console.WriteLine($"{me} hears {message.GetType().Name} {message.RefId}"),
        };
        builder.Services.AddFulfilment(line.DataFolder, options);
        using IHost host = builder.Build();
        CancellationToken stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        try
        {
            await host.StartAsync(CancellationToken.None);      // from here on, orders that were in flight go on by themselves
            if (options.Here.HasFlag(Services.Checkout))
            {
                return await PlaceAllAsync(line, host.Services, stopping);
            }

            Console.WriteLine($"{me} is there. Kill this process whenever you like (kill -9 {Environment.ProcessId}), and start it again");
            await Task.Delay(Timeout.Infinite, stopping);
            return 0;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            Console.WriteLine("stopped: run the same command again, and it goes on");
            return Interrupted;
        }
        finally
        {
            await host.StopAsync(CancellationToken.None);
        }
    }

    private static async Task<int> PlaceAllAsync(CommandLine line, IServiceProvider services, CancellationToken stopping)
    {
        Shop shop = services.GetRequiredService<Shop>();
        long start = Stopwatch.GetTimestamp();
        Console.WriteLine($"{line.Orders} orders to place. Kill this process whenever you like (kill -9 {Environment.ProcessId}), and start it again");
        Order[] orders = [.. Enumerable.Range(1, line.Orders).Select(OrderOf)];
        await Parallel.ForEachAsync(orders, new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = stopping }, async (order, ct) => await shop.PlaceAsync(order, ct));
        using var timer = new PeriodicTimer(Pause);     // no end but the orders' own: each of their waits has a limit, where somebody leads them
        IReadOnlyDictionary<string, string> ends;
        while (!orders.Select(order => order.Id).All((ends = shop.Ends()).ContainsKey))
        {
            await timer.WaitForNextTickAsync(stopping);
        }

        int completed = orders.Count(order => ends[order.Id] == "completed");
        Console.WriteLine($"{orders.Length} orders: {completed} completed, {orders.Length - completed} cancelled, in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
        return line.Options.Here == Services.All ? await AuditAsync(line.UndoLimit, services, stopping) : 0;
    }

    /// <summary>Checks the books, once those who undo have done so: no order waits for them. After a limit it says what is not undone, and the next start goes on with it.</summary>
    private static async Task<int> AuditAsync(TimeSpan undoLimit, IServiceProvider services, CancellationToken stopping)
    {
        Audit audit = services.GetRequiredService<Audit>();
        long start = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(Pause);
        while (audit.Orders().Any(facts => facts.IsBeingUndone) && Stopwatch.GetElapsedTime(start) < undoLimit)
        {
            await timer.WaitForNextTickAsync(stopping);
        }

        if (audit.Orders().Where(facts => facts.IsBeingUndone).Select(facts => facts.Id).ToArray() is { Length: > 0 } late)
        {
            Console.WriteLine($"orders {string.Join(", ", late)} were cancelled, and are not undone after {undoLimit}: run the same command again, and it goes on");
        }

        string[] violations = [.. audit.Orders().Select(facts => facts.Violation()).OfType<string>()];
        Console.WriteLine(violations.Length == 0 && audit.Strays() == 0
            ? $"audit: every order is paid, fetched and shipped once, or nothing is left of it; {audit.Orders().Sum(facts => facts.Charges)} cards charged once, 0 twice"
            : $"audit: {string.Join("; ", violations)}; {audit.Strays()} strays");
        return violations.Length == 0 && audit.Strays() == 0 ? 0 : 1;
    }

    /// <summary>Every fifth card has expired, and the customer has another one; some pay by invoice, some have credit, some want what there is not.</summary>
    internal static Order OrderOf(int number) => new(
        $"{number}",
        (number % 11) switch { 3 => "bob", 7 => "carol", _ => $"customer-{number}" },
        number % 5 == 0 ? $"expired-{number}" : $"visa-{number}",
        number % 13 == 0 ? [new Item("unicorn", 1, 99)] : [new Item("book", 1 + (number % 3), 9.50m), new Item("lamp", 1, 31)],
        new Recipient($"Customer {number}", number % 17 == 0 ? "nowhere" : $"{number} High Street"))
    {
        PaysByInvoice = number % 7 == 0,
    };
}
