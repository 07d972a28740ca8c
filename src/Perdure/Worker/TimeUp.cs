namespace Perdure.Worker;

/// <summary>Ends an attempt whose time is up.</summary>
internal static class TimeUp
{
    /// <summary>Cancels a <see cref="CancellationTokenSource"/>, as a timer calls it. What is registered on its token is foreign code, and a timer's thread that throws ends the process.</summary>
    public static void Cancel(object? source)
    {
        try
        {
            ((CancellationTokenSource)source!).Cancel();
        }
        catch (AggregateException)
        {
            // The token is cancelled all the same.
        }
    }
}
