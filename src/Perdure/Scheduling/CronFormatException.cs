using Perdure.Diagnostics;

namespace Perdure;

/// <summary>A cron expression cannot be read, or never fires (PRD4006).</summary>
public sealed class CronFormatException : PerdureException
{
    internal CronFormatException(string text, int index, string field, string what)
        : base(ErrorCodes.BadCron, $"the cron expression '{text}' is wrong at index {index}{(field.Length == 0 ? "" : $", in the {field} field")}: {what}.")
    {
        Index = index;
        Field = field;
    }

    /// <summary>Where the mistake is: the index of the first wrong character, or the text's length if something is missing.</summary>
    public int Index { get; }

    /// <summary>The field with the mistake, such as <c>hour</c>; empty if the whole is wrong.</summary>
    public string Field { get; }
}
