namespace Perdure.Scheduling;

/// <summary>Reads one field of a cron expression, from left to right.</summary>
internal sealed class CronReader(string text, CronField field, int start, int end)
{
    private readonly int _start = start;
    private int _at = start;

    /// <summary>Plain values.</summary>
    public ulong Values { get; private set; }

    /// <summary>L and L-3.</summary>
    public ulong BeforeLast { get; private set; }

    /// <summary>15W.</summary>
    public ulong Nearest { get; private set; }

    /// <summary>LW and L-3W.</summary>
    public ulong NearestBeforeLast { get; private set; }

    /// <summary>5L.</summary>
    public ulong Last { get; private set; }

    /// <summary>2#1.</summary>
    public ulong Nth { get; private set; }

    /// <summary>The field begins with a star or is a question mark.</summary>
    public bool IsStar => text[_start] is '*' or '?';

    public CronReader Read()
    {
        if (field.IsDay && text[_start] == '?')
        {
            _at++;
            Values = field.Every;
            return _at == end ? this : throw Wrong(_at, $"a field that begins with ? ends there, {Found(_at)} is too much");
        }

        do
        {
            Item();
        }
        while (Take(','));
        return _at == end ? this : throw Wrong(_at, $"expected a comma or the end of the field, not {Found(_at)}");
    }

    private void Item()
    {
        if (Take('*'))
        {
            Steps(field.Least, field.Greatest);
        }
        else if (field == CronField.DayOfMonth && Take('L'))
        {
            EndOfMonth();
        }
        else
        {
            Value();
        }
    }

    private void EndOfMonth()
    {
        int before = Take('-') ? Number(0, 30) : 0;
        if (Take('W'))
        {
            NearestBeforeLast |= 1UL << before;
        }
        else
        {
            BeforeLast |= 1UL << before;
        }
    }

    private void Value()
    {
        int value = NumberOrName();
        if (field == CronField.DayOfMonth && Take('W'))
        {
            Nearest |= 1UL << value;
        }
        else if (field == CronField.DayOfWeek && Take('L'))
        {
            Last |= 1UL << (value % 7);
        }
        else if (field == CronField.DayOfWeek && Take('#'))
        {
            Nth |= 1UL << (((Number(1, 5) - 1) * 7) + (value % 7));
        }
        else if (Take('-'))
        {
            int to = NumberOrName();
            Steps(value, to < value ? to + field.Size : to);
        }
        else
        {
            // Sunday as 7 is Sunday as 0.
            value = value > field.Greatest ? field.Least : value;
            Steps(value, IsNext('/') ? field.Greatest : value);
        }
    }

    /// <summary>Adds from one value to another, each or every n-th; values past the greatest go on from the least.</summary>
    private void Steps(int from, int to)
    {
        int step = Take('/') ? Number(1, field.Most) : 1;
        for (int value = from; value <= to; value += step)
        {
            Values |= 1UL << (((value - field.Least) % field.Size) + field.Least);
        }
    }

    private int NumberOrName()
    {
        int begin = _at;
        while (_at < end && char.IsAsciiLetter(text[_at]))
        {
            _at++;
        }

        if (_at == begin)
        {
            return Number(field.Least, field.Most, ExpectedAt(begin));
        }

        // A name may be followed by L, as in FRIL.
        string word = text[begin.._at].ToUpperInvariant();
        int name = Array.FindIndex(field.Names, one => word == one || (field == CronField.DayOfWeek && word == one + "L"));
        if (name < 0)
        {
            throw Wrong(begin, $"expected {ExpectedAt(begin)}, not '{text[begin.._at]}'");
        }

        _at = begin + field.Names[name].Length;
        return field.Least + name;
    }

    private int Number(int least, int most, string? expected = null)
    {
        int begin = _at;
        int value = 0;
        while (_at < end && char.IsAsciiDigit(text[_at]))
        {
            value = Math.Min(1000, (value * 10) + (text[_at] - '0'));
            _at++;
        }

        if (_at == begin)
        {
            throw Wrong(begin, $"expected {expected ?? $"a number from {least} to {most}"}, not {Found(begin)}");
        }

        return value >= least && value <= most ? value : throw Wrong(begin, $"'{text[begin.._at]}' is not from {least} to {most}");
    }

    private string ExpectedAt(int at) => at == _start || text[at - 1] == ',' ? field.Expected : field.ExpectedValue;

    private bool IsNext(char what) => _at < end && char.ToUpperInvariant(text[_at]) == what;

    private bool Take(char what)
    {
        bool taken = IsNext(what);
        _at += taken ? 1 : 0;
        return taken;
    }

    private string Found(int at) => at < end ? $"'{text[at]}'" : "the end of the field";

    private CronFormatException Wrong(int at, string what) => new(text, at, field.Name, what);
}
