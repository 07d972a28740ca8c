namespace Fulfilment.Tests.Processes;

/// <summary>Ends a test that hangs, and says what it waited for. No test that passes comes near it.</summary>
internal static class Deadline
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    public static async Task For(Task task, string what)
    {
        try
        {
            await task.WaitAsync(Limit);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"Within {Limit} it did not come that {what}.", e);
        }
    }

    /// <summary>For what nobody says: books have to be looked at.</summary>
    public static Task Until(Func<bool> holds, string what) => For(HoldsAsync(holds), what);

    private static async Task HoldsAsync(Func<bool> holds)
    {
        using var timer = new PeriodicTimer(Look);
        while (!holds())
        {
            await timer.WaitForNextTickAsync();
        }
    }
}
