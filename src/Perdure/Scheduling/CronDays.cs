using System.Numerics;
using System.Runtime.InteropServices;

namespace Perdure.Scheduling;

/// <summary>The two day fields of a cron expression. Bit n of a set is the value n.</summary>
internal sealed record CronDays
{
    private const int Saturday = (int)DayOfWeek.Saturday;
    private const int Sunday = (int)DayOfWeek.Sunday;

    /// <summary>A day must be in both fields, since one of them begins with a star or is a question mark; else one is enough.</summary>
    public required bool Both { get; init; }

    /// <summary>Days of the month.</summary>
    public required ulong OfMonth { get; init; }

    /// <summary>15W: the working days nearest to these.</summary>
    public ulong Nearest { get; init; }

    /// <summary>L and L-3: so many days before the last of the month.</summary>
    public ulong BeforeLast { get; init; }

    /// <summary>LW and L-3W: the working days nearest to those.</summary>
    public ulong NearestBeforeLast { get; init; }

    /// <summary>Days of the week, Sunday is 0.</summary>
    public required ulong OfWeek { get; init; }

    /// <summary>5L: the last ones in the month.</summary>
    public ulong LastOfWeek { get; init; }

    /// <summary>2#1: the n-th ones in the month, bit 7 * (n - 1) + day of week.</summary>
    public ulong NthOfWeek { get; init; }

    /// <summary>The days of a month that match.</summary>
    public ulong In(int year, int month)
    {
        Month of = new(DateTime.DaysInMonth(year, month), (int)new DateOnly(year, month, 1).DayOfWeek);
        ulong byMonth = ByMonth(of);
        ulong byWeek = ByWeek(of);
        return of.Days & (Both ? byMonth & byWeek : byMonth | byWeek);
    }

    private ulong ByMonth(Month of)
    {
        ulong days = OfMonth;
        for (ulong rest = BeforeLast; rest != 0; rest &= rest - 1)
        {
            days |= Bit(of.Last - BitOperations.TrailingZeroCount(rest));
        }

        for (ulong rest = Nearest & of.Days; rest != 0; rest &= rest - 1)
        {
            days |= Bit(of.NearestWorkday(BitOperations.TrailingZeroCount(rest)));
        }

        for (ulong rest = NearestBeforeLast; rest != 0; rest &= rest - 1)
        {
            int day = of.Last - BitOperations.TrailingZeroCount(rest);
            days |= day < 1 ? 0 : Bit(of.NearestWorkday(day));
        }

        return days;
    }

    private ulong ByWeek(Month of)
    {
        // Bit i: the weekday of the month's day 1 + i. Five weeks of them are more than any month.
        ulong week = (OfWeek >> of.FirstWeekday | OfWeek << (7 - of.FirstWeekday)) & 0x7F;
        ulong days = (week | week << 7 | week << 14 | week << 21 | week << 28) << 1;
        for (ulong rest = LastOfWeek; rest != 0; rest &= rest - 1)
        {
            int first = of.First(BitOperations.TrailingZeroCount(rest));
            days |= Bit(first + ((of.Last - first) / 7 * 7));
        }

        for (ulong rest = NthOfWeek; rest != 0; rest &= rest - 1)
        {
            int nth = BitOperations.TrailingZeroCount(rest);
            days |= Bit(of.First(nth % 7) + (nth / 7 * 7));
        }

        return days;
    }

    private static ulong Bit(int day) => day < 1 ? 0 : 1UL << day;

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Month(int Last, int FirstWeekday)
    {
        public ulong Days => (1UL << (Last + 1)) - 2;

        public int First(int weekday) => 1 + ((weekday - FirstWeekday + 7) % 7);

        public int NearestWorkday(int day) => ((day - 1 + FirstWeekday) % 7) switch
        {
            Saturday => day > 1 ? day - 1 : day + 2,
            Sunday => day < Last ? day + 1 : day - 2,
            _ => day,
        };
    }
}
