namespace Perdure.Events;

/// <summary>Who calls: what handlers and steps begin belongs to their business transaction.</summary>
internal interface ICause
{
    /// <summary>The business transaction.</summary>
    string Correlation { get; }

    /// <summary>What stands for it in rows: <c>flow:type/id#ask</c>, <c>job:id</c> or <c>event:topic/position@subscription</c>.</summary>
    string Text { get; }
}

/// <summary>The attempt that runs here, if one does.</summary>
internal static class CurrentCause
{
    private static readonly AsyncLocal<ICause?> Current = new();

    /// <summary>Holds in the method that sets it, and in what that calls.</summary>
    public static ICause? Value
    {
        get => Current.Value;
        set => Current.Value = value;
    }

    public static string OfFlow(Storage.FlowKey flow, int ask) => $"flow:{flow}#{ask}";
}
