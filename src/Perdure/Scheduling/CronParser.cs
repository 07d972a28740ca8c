namespace Perdure.Scheduling;

/// <summary>Turns the text of a cron expression into what it says.</summary>
internal static class CronParser
{
    private static readonly Dictionary<string, string> Macros = new(StringComparer.OrdinalIgnoreCase)
    {
        ["@yearly"] = "0 0 1 1 *",
        ["@annually"] = "0 0 1 1 *",
        ["@monthly"] = "0 0 1 * *",
        ["@weekly"] = "0 0 * * 0",
        ["@daily"] = "0 0 * * *",
        ["@midnight"] = "0 0 * * *",
        ["@hourly"] = "0 * * * *",
    };

    public static CronFields Parse(string text)
    {
        List<Range> fields = Split(text);
        if (fields.Count == 0)
        {
            throw new CronFormatException(text, 0, "", "it is empty; expected five fields, or six with seconds first");
        }

        int start = fields[0].Start.Value;
        return text[start] == '@' ? Macro(text, fields) : Fields(text, fields);
    }

    private static CronFields Macro(string text, List<Range> fields)
    {
        if (fields.Count > 1)
        {
            throw new CronFormatException(text, fields[1].Start.Value, "", "nothing follows a macro");
        }

        return Macros.TryGetValue(text[fields[0]], out string? meaning)
            ? Parse(meaning)
            : throw new CronFormatException(text, fields[0].Start.Value, "", "expected @yearly, @monthly, @weekly, @daily or @hourly");
    }

    private static CronFields Fields(string text, List<Range> fields)
    {
        if (fields.Count is not (5 or 6))
        {
            int at = fields.Count < 5 ? text.Length : fields[6].Start.Value;
            throw new CronFormatException(text, at, "", $"it has {fields.Count} fields; expected five (minute, hour, day of month, month, day of week), or six with seconds first");
        }

        bool hasSeconds = fields.Count == 6;
        CronReader ReadField(CronField field)
        {
            Range range = fields[Array.IndexOf(CronField.All, field) - (hasSeconds ? 0 : 1)];
            return new CronReader(text, field, range.Start.Value, range.End.Value).Read();
        }

        CronReader? seconds = hasSeconds ? ReadField(CronField.Second) : null;
        CronReader minutes = ReadField(CronField.Minute);
        CronReader hours = ReadField(CronField.Hour);
        CronReader ofMonth = ReadField(CronField.DayOfMonth);
        CronReader months = ReadField(CronField.Month);
        CronReader ofWeek = ReadField(CronField.DayOfWeek);
        CronFields read = new(seconds?.Values ?? 1, minutes.Values, hours.Values, months.Values, Days(ofMonth, ofWeek))
        {
            FiresInBoth = seconds is { IsStar: true } || minutes.IsStar || hours.IsStar,
            MakesUp = !hours.IsStar,
        };
        return read.NextAfter(new DateTime(2000, 1, 1)) is not null
            ? read
            : throw new CronFormatException(text, fields[hasSeconds ? 3 : 2].Start.Value, CronField.DayOfMonth.Name, "it never fires: there is no such day in these months");
    }

    private static CronDays Days(CronReader ofMonth, CronReader ofWeek) => new()
    {
        Both = ofMonth.IsStar || ofWeek.IsStar,
        OfMonth = ofMonth.Values,
        Nearest = ofMonth.Nearest,
        BeforeLast = ofMonth.BeforeLast,
        NearestBeforeLast = ofMonth.NearestBeforeLast,
        OfWeek = ofWeek.Values,
        LastOfWeek = ofWeek.Last,
        NthOfWeek = ofWeek.Nth,
    };

    private static List<Range> Split(string text)
    {
        List<Range> fields = [];
        for (int at = 0; at < text.Length; at++)
        {
            if (!char.IsWhiteSpace(text[at]))
            {
                int start = at;
                while (at < text.Length && !char.IsWhiteSpace(text[at]))
                {
                    at++;
                }

                fields.Add(start..at);
            }
        }

        return fields;
    }
}
