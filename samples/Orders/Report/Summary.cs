using Orders.Services;
using Spectre.Console;

namespace Orders.Report;

/// <summary>Says at the end what became of the orders, what was undone, and whether the services' books agree.</summary>
internal static class Summary
{
    private static readonly string[] Undo = ["RejectOrder", "CancelCreateTicket", "ReverseAuthorization", "VoidAuthorization"];

    /// <returns>Whether all is well.</returns>
    public static bool Print(Tally tally, Audit audit, FaultCounts faults)
    {
        IReadOnlyList<OrderFacts> orders = audit.Orders();
        ILookup<string, string> undone = audit.Executed(Undo);
        List<string> violations = [.. Violations(tally, audit, orders)];

        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = 120;
        }

        AnsiConsole.Write(Table(tally, undone));
        Console.WriteLine($"on the network: {faults}; {audit.Repeats()} commands came again and were not done again");
        foreach ((string orderId, string end) in tally.Of("stuck").Concat(tally.Of("failed")))
        {
            Console.WriteLine($"order {orderId} {end}");
        }

        if (tally.Count("stuck") > 0)
        {
            Console.WriteLine("what is stuck goes on after the repair: start it again with --serve, and POST /orders/ID/retry");
        }

        foreach (string violation in violations)
        {
            Console.Error.WriteLine($"WRONG: {violation}");
        }

        Console.WriteLine($"{tally.Expected} orders: {tally.Count("approved")} approved, {tally.Count("rejected")} rejected{Rare("failed")}{Rare("stuck")}"
            + $" | undone: {(undone.Count > 0 ? Count(undone, _ => true) : "nothing")}"
            + $" | charged {orders.Count(order => order.Charges == 1)} cards once, {orders.Count(order => order.Charges > 1)} twice");
        return violations.Count == 0;

        string Rare(string end) => tally.Count(end) is > 0 and var count ? $", {count} {end}" : "";
    }

    /// <summary>What no crash and no fault may bring about.</summary>
    private static IEnumerable<string> Violations(Tally tally, Audit audit, IReadOnlyList<OrderFacts> orders)
    {
        // An order that is stuck waits for a person where it is: that is reported, and no violation.
        HashSet<string> stuck = [.. tally.Of("stuck").Select(order => order.OrderId)];
        foreach (OrderFacts order in orders)
        {
            if (order.Violation() is { } what && (order.Charges > 1 || !stuck.Contains(order.Id)))
            {
                yield return $"order {order.Id} {what}";
            }
        }

        if (audit.StrayCharges() is > 0 and var stray)
        {
            yield return $"{stray} charges belong to no order";
        }
    }

    private static Table Table(Tally tally, ILookup<string, string> undone)
    {
        Table table = new Table().Border(Console.IsOutputRedirected ? TableBorder.Ascii : TableBorder.Rounded)
            .AddColumn("how they ended").AddColumn(new TableColumn("orders").RightAligned()).AddColumn("what was undone");
        foreach ((string end, IReadOnlySet<string> orders) in tally.ByEnd())
        {
            table.AddRow(end.EscapeMarkup(), orders.Count.ToString(), Count(undone, orders.Contains));
        }

        return table;
    }

    private static string Count(ILookup<string, string> undone, Func<string, bool> isWanted) => string.Join(", ", Undo
        .Select(name => (Name: name, Count: undone[name].Count(isWanted)))
        .Where(command => command.Count > 0)
        .Select(command => $"{command.Count} {command.Name}"));
}
