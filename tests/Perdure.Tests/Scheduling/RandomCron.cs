namespace Perdure.Tests.Scheduling;

/// <summary>A random cron expression, and what it means in plain words of code; the same for the same seed.</summary>
internal sealed class RandomCron
{
    private readonly Random _random;
    private readonly (string Text, Func<int, bool> Has) _second;
    private readonly (string Text, Func<int, bool> Has) _minute;
    private readonly (string Text, Func<int, bool> Has) _hour;
    private readonly (string Text, Func<int, bool> Has) _month;
    private readonly (string Text, Func<DateTime, bool> Has) _ofMonth;
    private readonly (string Text, Func<DateTime, bool> Has) _ofWeek;

    public RandomCron(int seed, bool seconds)
    {
        _random = new Random(seed);
        _second = seconds ? Number(0, 59, 59) : ("0", value => value == 0);
        _minute = Number(0, 59, 59);
        _hour = _random.Next(2) == 0 ? Number(0, 23, 4) : Number(0, 23, 23);
        _month = _random.Next(3) == 0 ? MonthList() : ("*", _ => true);
        _ofMonth = OfMonth();
        _ofWeek = OfWeek();
        Text = $"{(seconds ? _second.Text + " " : "")}{_minute.Text} {_hour.Text} {_ofMonth.Text} {_month.Text} {_ofWeek.Text}";
    }

    public string Text { get; }

    private bool FiresInBoth => IsStar(_second.Text) || IsStar(_minute.Text) || IsStar(_hour.Text);

    /// <summary>The steps of a walk at which it fires.</summary>
    public List<int> FiresIn(WallWalk walk)
    {
        List<int> fires = [];
        foreach ((int index, DateTime wall, List<DateTime> happened) in walk.Walk())
        {
            bool leftOut = happened.Count > 1 && !IsStar(_hour.Text) && happened.Exists(Matches);
            if (leftOut || (Matches(wall) && (happened.Count > 0 || FiresInBoth)))
            {
                fires.Add(index);
            }
        }

        return fires;
    }

    /// <summary>Whether a local time is one of its times.</summary>
    public bool Matches(DateTime at) => _second.Has(at.Second) && _minute.Has(at.Minute) && _hour.Has(at.Hour) && _month.Has(at.Month)
        && (IsStar(_ofMonth.Text) || IsStar(_ofWeek.Text) ? _ofMonth.Has(at) && _ofWeek.Has(at) : _ofMonth.Has(at) || _ofWeek.Has(at));

    private static bool IsStar(string text) => text[0] is '*' or '?';

    private (string, Func<int, bool>) Number(int least, int most, int upTo)
    {
        int a = _random.Next(least, upTo + 1);
        int b = _random.Next(least, most + 1);
        int step = _random.Next(2, most);
        return _random.Next(7) switch
        {
            0 => ("*", _ => true),
            1 => ($"*/{step}", value => (value - least) % step == 0),
            2 => ($"{a}-{b}", value => InRange(value, a, b)),
            3 => ($"{a}/{step}", value => value >= a && (value - a) % step == 0),
            4 => ($"{a},{b}", value => value == a || value == b),
            _ => ($"{a}", value => value == a),
        };
    }

    private static bool InRange(int value, int a, int b) => a <= b ? value >= a && value <= b : value >= a || value <= b;

    private (string, Func<int, bool>) MonthList()
    {
        // January has 31 days, so whatever day of the month comes can fire.
        int other = _random.Next(2, 13);
        string name = new DateTime(2000, other, 1).ToString("MMM", System.Globalization.CultureInfo.InvariantCulture);
        return ($"1,{(_random.Next(2) == 0 ? name : other)}", value => value == 1 || value == other);
    }

    private (string, Func<DateTime, bool>) OfMonth()
    {
        int day = _random.Next(1, 32);
        int other = _random.Next(1, 32);
        int before = _random.Next(0, 10);
        int step = _random.Next(2, 4);
        return _random.Next(11) switch
        {
            0 => ("?", _ => true),
            1 => ($"*/{step}", at => (at.Day - 1) % step == 0),
            2 => ("L", at => at.Day == Last(at)),
            3 => ($"L-{before}", at => at.Day == Last(at) - before),
            4 => ("LW", at => at.Day == Nearest(at, Last(at))),
            5 => ($"L-{before}W", at => at.Day == Nearest(at, Last(at) - before)),
            6 => ($"{day}W", at => day <= Last(at) && at.Day == Nearest(at, day)),
            7 => ($"{day}-{other}", at => InRange(at.Day, day, other)),
            8 => ($"{day},L,{other}W", at => at.Day == day || at.Day == Last(at) || (other <= Last(at) && at.Day == Nearest(at, other))),
            _ => ("*", _ => true),
        };
    }

    private (string, Func<DateTime, bool>) OfWeek()
    {
        var day = (DayOfWeek)_random.Next(7);
        var other = (DayOfWeek)_random.Next(7);
        int nth = _random.Next(1, 6);
        string name = $"{day}"[..3];
        return _random.Next(9) switch
        {
            0 => ("?", _ => true),
            1 => ($"{name}L", at => at.DayOfWeek == day && at.Day > Last(at) - 7),
            2 => ($"{name.ToUpperInvariant()}#{nth}", at => at.DayOfWeek == day && (at.Day + 6) / 7 == nth),
            3 => ($"{(day == DayOfWeek.Sunday ? 7 : (int)day)}", at => at.DayOfWeek == day),
            4 => ($"{name}-{$"{other}"[..3]}", at => InRange((int)at.DayOfWeek, (int)day, (int)other)),
            5 => ($"{name},{(int)other}", at => at.DayOfWeek == day || at.DayOfWeek == other),
            _ => ("*", _ => true),
        };
    }

    private static int Last(DateTime at) => DateTime.DaysInMonth(at.Year, at.Month);

    private static int Nearest(DateTime at, int day) => Enumerable.Range(1, Last(at))
        .Where(one => new DateTime(at.Year, at.Month, one).DayOfWeek is not (DayOfWeek.Saturday or DayOfWeek.Sunday))
        .MinBy(one => Math.Abs(one - day));
}
