using System.Globalization;
using System.Text;

namespace Perdure.Testing;

/// <summary>A run's history as a table: what it asked for, when, and what became of it; and what it was told unasked.</summary>
internal static class RunTable
{
    /// <summary>Of a history that is longer, its begin and its end are shown.</summary>
    private const int RowsMax = 60;
    private const int FirstRows = 10;

    public static string Of(FlowDescription run)
    {
        List<Row> rows = [.. run.Asks.Select(ask => new Row(ask.AskedAt, ask.Number.ToString(CultureInfo.InvariantCulture), $"{ask.Kind} {ask.Name}", Became(run, ask)))
            .Concat(run.Inputs.Where(IsUnasked).Select(input => new Row(input.At, "", Told(input), "")))
            .OrderBy(row => row.At)];
        int width = rows.Select(row => row.What.Length).DefaultIfEmpty().Max();
        var text = new StringBuilder(Head(run));
        int left = rows.Count > RowsMax ? rows.Count - RowsMax : 0;
        for (int i = 0; i < rows.Count; i++)
        {
            if (left > 0 && i == FirstRows)
            {
                text.Append(string.Create(CultureInfo.InvariantCulture, $"\n        ... {left} more"));
                i += left;
            }

            Row row = rows[i];
            text.Append('\n').Append(string.Create(CultureInfo.InvariantCulture, $"  {row.Number,4}  {Elapsed(row.At - run.StartedAt),12}  {row.What.PadRight(width)}  {row.Became}").TrimEnd());
        }

        return text.Append(run.Result is { } result ? $"\n  result: {result.GetRawText()}" : "").ToString();
    }

    private static string Head(FlowDescription run)
    {
        string version = run.Version == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $" version {run.Version}");
        string took = run.EndedAt is { } ended ? $" after {Elapsed(ended - run.StartedAt)}" : "";
        string why = run.Error is { } error ? $": {Coded(error.Code, error.Message)}" : run.StuckReason is { } reason ? $": {Coded(run.StuckCode!, reason)}" : "";
        return $"{run.Type}/{run.Id}{version} {run.Status}{took}{why}";
    }

    private static string Coded(string code, string message) => message.StartsWith(code, StringComparison.Ordinal) ? message : $"{code}: {message}";

    private static string Became(FlowDescription run, FlowAsk ask)
    {
        string when = ask.AnsweredAt is { } at && at != ask.AskedAt ? $" at {Elapsed(at - run.StartedAt)}" : "";
        string attempts = ask.Attempts > 1 ? string.Create(CultureInfo.InvariantCulture, $", {ask.Attempts} attempts") : "";
        string next = ask.NextAttemptAt is { } due ? $", next at {Elapsed(due - run.StartedAt)}" : "";
        return $"{ask.State}{when}{attempts}{next}{(ask.Error is { } error ? $": {error.Kind}: {error.Message}" : "")}";
    }

    private static bool IsUnasked(FlowInput input) => input.Ask is null && input.Kind != "Started";

    private static string Told(FlowInput input) => input.Name is null ? $"told: {input.Kind}" : $"told: {input.Kind} {input.Name}";

    public static string Elapsed(TimeSpan time) => time < TimeSpan.FromMinutes(1)
        ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.000} s")
        : time.ToString(time < TimeSpan.FromDays(1) ? @"h\:mm\:ss" : @"d\d\ hh\:mm\:ss", CultureInfo.InvariantCulture);

    private sealed record Row(DateTimeOffset At, string Number, string What, string Became);
}
