using System.Globalization;

namespace Perdure.Simulation.Plans;

/// <summary>When a step's undo runs.</summary>
internal enum UndoRule
{
    None,

    /// <summary>After a known success.</summary>
    Known,

    /// <summary>Also when nobody knows whether it happened.</summary>
    Always,
}

/// <summary>How a step is retried.</summary>
internal enum RetryRule
{
    Default,
    None,
    Three,
    Within,
}

/// <summary>A step of a plan. Its name tells the checkers all that they need: number, undo, reconcile, pivot, retry.</summary>
internal readonly record struct StepMarks(int Number, UndoRule Undo, bool CanReconcile, bool IsPivot, RetryRule Retry)
{
    private const char FirstLetter = 's';

    public string Name => string.Create(CultureInfo.InvariantCulture, $"{FirstLetter}{Number}.{(int)Undo}{(CanReconcile ? 'r' : '-')}{(IsPivot ? 'p' : '-')}{(int)Retry}");

    /// <summary>Reads a name; null if it is not such a step's.</summary>
    public static StepMarks? Read(string name)
    {
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        return name.Length > 2 && name[0] == FirstLetter && dot == name.Length - 5
            ? new StepMarks(int.Parse(name.AsSpan(1, dot - 1), CultureInfo.InvariantCulture), (UndoRule)(name[dot + 1] - '0'), name[dot + 2] == 'r', name[dot + 3] == 'p', (RetryRule)(name[dot + 4] - '0'))
            : null;
    }
}
