using Perdure.Diagnostics;

namespace Perdure.Engine;

/// <summary>How history writes down what a turn asked for, and how replay compares it.</summary>
/// <remarks>
/// One line each: a kind's letter, a space and the name; <c>P</c> where the pivot was passed; <c>-n</c> where ask n was withdrawn;
/// <c>+n</c> where it took a signal that had come before, or the condition that it waited for held;
/// <c>=status</c> where the flow ended. Asks are numbered from 0 in the order of their lines.
/// </remarks>
internal static class AskText
{
    public const string Pivot = "P";

    public static string Line(Ask ask) => string.Concat(Prefix(ask.Kind), ask.Name);

    public static string Withdrawn(int ask) => $"-{ask}";

    public static string End(FlowStatus status) => status switch
    {
        FlowStatus.Completed => "=completed",
        FlowStatus.Failed => "=failed",
        FlowStatus.Cancelled => "=cancelled",
        _ => "=terminated",
    };

    /// <summary>Whether a line opens an ask, and which kind and name.</summary>
    public static bool IsAsk(ReadOnlySpan<char> line, out AskKind kind, out ReadOnlySpan<char> name)
    {
        bool isAsk = line.Length > 2 && line[1] == ' ';
        kind = isAsk ? (AskKind)line[0] : default;
        name = isAsk ? line[2..] : default;
        return isAsk;
    }

    public static string Taken(int ask) => $"+{ask}";

    public static bool PassesPivot(string? asks) => asks is not null && Lines(asks).Contains(Pivot);

    /// <summary>The child that an ask of that name is about.</summary>
    public static Storage.FlowKey Child(string name)
    {
        int slash = name.IndexOf('/', StringComparison.Ordinal);
        return new Storage.FlowKey(name[..slash], name[(slash + 1)..]);
    }

    /// <summary>Names what a history's turns asked for, in the order of the asks' numbers.</summary>
    public static IEnumerable<(AskKind Kind, string Name)> Asks(IEnumerable<Storage.HistoryRow> history)
    {
        foreach (string line in history.SelectMany(row => Lines(row.Asks ?? "")))
        {
            if (IsAsk(line, out AskKind kind, out _))
            {
                yield return (kind, line[2..]);
            }
        }
    }

    /// <summary>Null when the turn asked for what history says; else both sides, and what to do.</summary>
    public static string? Differs(string history, Turn turn, string flow, int position)
    {
        string code = turn.Text;
        if (code == history)
        {
            return null;
        }

        string[] was = Lines(history);
        string[] now = Lines(code);
        int made = 0;
        for (int i = 0; i < Math.Max(was.Length, now.Length); i++)
        {
            string? old = i < was.Length ? was[i] : null;
            string? @new = i < now.Length ? now[i] : null;
            Ask? ask = @new is not null && IsAsk(@new, out _, out _) ? turn.Made[made++] : null;
            if (old != @new && !WasFormerly(ask, old))
            {
                return $"the code of {flow} does not match its history at row {position}: history says {Say(old)}, the code says {Say(@new)}.{Hint(old, ask)} Run the code that wrote this history, register the changed code as a new version, or repair it; then retry the flow.";
            }
        }

        return null;
    }

    private static bool WasFormerly(Ask? ask, string? old)
        => ask is StepAsk { Plan.Formerly: { } formerly } && old == string.Concat(Prefix(ask.Kind), formerly);

    private static string Hint(string? old, Ask? ask)
        => ask is { Kind: AskKind.Step } && old is not null && IsAsk(old, out AskKind kind, out ReadOnlySpan<char> name) && kind == ask.Kind
            ? $" If it is the same step renamed, add `name: \"{name}\"` (or `formerly: \"{name}\"`) to it."
            : "";

    private static string Say(string? line)
    {
        if (line is null)
        {
            return "nothing more";
        }

        return !IsAsk(line, out AskKind kind, out ReadOnlySpan<char> name)
            ? line == Pivot ? "the pivot" : line[0] == '=' ? $"the end ({line[1..]})" : line[0] == '+' ? $"what ask {line[1..]} waited for" : $"withdrawing ask {line[1..]}"
            : $"{Word(kind)} `{name}`";
    }

    public static string Word(AskKind kind) => kind switch
    {
        AskKind.Step => "step",
        AskKind.Undo => "undo",
        AskKind.Timer => "timer",
        AskKind.Signal => "signal",
        AskKind.Region => "region",
        AskKind.Condition => "condition",
        AskKind.Child => "child",
        AskKind.DetachedChild => "detached child",
        AskKind.Job => "job",
        AskKind.DetachedJob => "detached job",
        AskKind.Event => "event",
        AskKind.Publish => "published event",
        _ => ErrorCodes.HistoryMismatch,
    };

    private static string Prefix(AskKind kind) => kind switch
    {
        AskKind.Step => "S ",
        AskKind.Undo => "U ",
        AskKind.Timer => "T ",
        AskKind.Signal => "W ",
        AskKind.Region => "L ",
        AskKind.Condition => "H ",
        AskKind.Child => "C ",
        AskKind.DetachedChild => "D ",
        AskKind.Job => "J ",
        AskKind.Event => "A ",
        AskKind.Publish => "V ",
        _ => "E ",
    };

    private static string[] Lines(string text) => text.Length == 0 ? [] : text.Split('\n');
}
