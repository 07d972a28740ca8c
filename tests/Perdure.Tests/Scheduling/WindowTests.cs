using System.Text.Json;
using Perdure.Serialization;

namespace Perdure.Tests.Scheduling;

/// <summary>Windows, open hours and calendars: what they say by example.</summary>
public class WindowTests
{
    private const string Berlin = "Europe/Berlin";

    private static readonly BusinessCalendar Office = new("office") { Holidays = [new(2025, 12, 25), new(2025, 12, 26)] };

    [Fact]
    public void A_window_is_open_at_its_start_and_closed_at_its_end()
    {
        TimeWindow window = new(new(9, 0), new(17, 0), Berlin);

        window.Contains(At("2025-06-02T09:00+02:00")).ShouldBeTrue();
        window.Contains(At("2025-06-02T17:00+02:00")).ShouldBeFalse();
        window.NextEdge(At("2025-06-02T08:00+02:00")).ShouldBe(At("2025-06-02T09:00+02:00"));
        window.NextEdge(At("2025-06-02T09:00+02:00")).ShouldBe(At("2025-06-02T17:00+02:00"));
    }

    [Fact]
    public void A_night_belongs_to_the_day_it_starts_on()
    {
        TimeWindow night = new(new(22, 0), new(6, 0), Berlin) { Days = DaysOfWeek.Friday };

        night.Contains(At("2025-06-07T05:59+02:00")).ShouldBeTrue();
        night.Contains(At("2025-06-06T05:59+02:00")).ShouldBeFalse();
        night.NextEdge(At("2025-06-06T22:00+02:00")).ShouldBe(At("2025-06-07T06:00+02:00"));
        night.NextEdge(At("2025-06-07T06:00+02:00")).ShouldBe(At("2025-06-13T22:00+02:00"));
    }

    [Fact]
    public void An_edge_in_the_hour_left_out_happens_at_the_change()
    {
        TimeWindow window = new(new(2, 30), new(8, 0), Berlin);

        window.NextEdge(At("2025-03-30T00:00+01:00")).ShouldBe(At("2025-03-30T03:00+02:00"));
    }

    [Fact]
    public void A_window_within_the_hour_left_out_does_not_open_that_day()
    {
        TimeWindow window = new(new(2, 15), new(2, 45), Berlin);

        window.NextEdge(At("2025-03-29T12:00+01:00")).ShouldBe(At("2025-03-31T02:15+02:00"));
    }

    [Fact]
    public void An_edge_in_the_doubled_hour_happens_the_first_time_only()
    {
        TimeWindow window = new(new(1, 0), new(2, 30), Berlin);

        window.NextEdge(At("2025-10-26T01:00+02:00")).ShouldBe(At("2025-10-26T02:30+02:00"));
        window.Contains(At("2025-10-26T02:15+01:00")).ShouldBeFalse();
        window.NextEdge(At("2025-10-26T02:30+02:00")).ShouldBe(At("2025-10-27T01:00+01:00"));
    }

    [Fact]
    public void Whole_days_that_follow_each_other_are_one()
    {
        TimeWindow week = new(default, default, Berlin) { Calendar = Office };

        week.NextEdge(At("2025-12-22T00:00+01:00")).ShouldBe(At("2025-12-25T00:00+01:00"));
        week.NextEdge(At("2025-12-25T00:00+01:00")).ShouldBe(At("2025-12-29T00:00+01:00"));
    }

    [Fact]
    public void What_is_always_open_has_no_edge()
    {
        TimeWindow always = new(default, default, Berlin);
        TimeWindow until = new(default, default, Berlin) { Calendar = Office with { Workdays = DaysOfWeek.EveryDay } };
        OpenHours halves = OpenHours.Of(new(new(0, 0), new(12, 0), Berlin), new(new(12, 0), new(0, 0), Berlin));

        always.NextEdge(At("2025-01-01T00:00Z")).ShouldBeNull();
        until.NextEdge(At("2025-12-26T12:00Z")).ShouldBe(At("2025-12-27T00:00+01:00"));
        until.NextEdge(At("2025-12-27T12:00Z")).ShouldBeNull();
        halves.NextEdge(At("2025-01-01T00:00Z")).ShouldBeNull();
    }

    [Fact]
    public void Windows_that_overlap_are_one_opening()
    {
        OpenHours hours = OpenHours.Of(new(new(9, 0), new(12, 0), "UTC"), new(new(11, 0), new(13, 0), "UTC"), new(new(13, 0), new(15, 0), "UTC"));

        hours.NextEdge(At("2025-01-01T09:00Z")).ShouldBe(At("2025-01-01T15:00Z"));
        hours.NextEdge(At("2025-01-01T15:00Z")).ShouldBe(At("2025-01-02T09:00Z"));
    }

    [Fact]
    public void A_calendar_finds_business_days_around_a_date()
    {
        Office.IsBusinessDay(new(2025, 12, 24)).ShouldBeTrue();
        Office.IsBusinessDay(new(2025, 12, 25)).ShouldBeFalse();
        Office.BusinessDayAtOrAfter(new(2025, 12, 25)).ShouldBe(new(2025, 12, 29));
        Office.BusinessDayAtOrBefore(new(2025, 12, 28)).ShouldBe(new(2025, 12, 24));
    }

    [Fact]
    public void Hours_that_never_open_are_refused()
    {
        TimeWindow never = new(new(9, 0), new(17, 0), Berlin) { Days = DaysOfWeek.Weekend, Calendar = Office };

        Refused(() => OpenHours.Of().Check()).ShouldStartWith("PRD4007");
        Refused(() => OpenHours.Of(never).Check()).ShouldStartWith("PRD4007");
        Refused(never.Check).ShouldStartWith("PRD4007");
        Refused((never with { Calendar = null, Days = DaysOfWeek.None }).Check).ShouldStartWith("PRD4007");
        Refused((Office with { Workdays = DaysOfWeek.None }).Check).ShouldStartWith("PRD4007");
        never.NextEdge(At("2025-01-01T00:00Z")).ShouldBeNull();
    }

    [Fact]
    public void Values_out_of_their_ranges_are_refused()
    {
        TimeWindow window = new(new(9, 0), new(17, 0), Berlin);

        Refused((window with { Days = (DaysOfWeek)128 }).Check).ShouldStartWith("PRD4004");
        Refused((Office with { Name = " " }).Check).ShouldStartWith("PRD4004");
        Refused((Office with { Workdays = (DaysOfWeek)200 }).Check).ShouldStartWith("PRD4004");
        Refused((Office with { Holidays = [.. Enumerable.Range(0, BusinessCalendar.HolidaysMax + 1).Select(DateOnly.MinValue.AddDays)] }).Check).ShouldStartWith("PRD4004");
        Refused(new OpenHours([.. Enumerable.Repeat(window, OpenHours.WindowsMax + 1)]).Check).ShouldStartWith("PRD4004");
    }

    [Theory]
    [InlineData("Europe/Berln", "Is 'Europe/Berlin' meant?")]
    [InlineData("europe/berlin", "Is 'Europe/Berlin' meant?")]
    [InlineData("Berlin", "Is 'Europe/Berlin' meant?")]
    [InlineData("new york", "Is 'America/New_York' meant?")]
    [InlineData("utc", "Is 'UTC' meant?")]
    public void A_zone_that_is_almost_right_is_named(string zone, string suggestion)
    {
        _ = new TimeWindow(new(9, 0), new(17, 0), Berlin).Contains(At("2025-01-01T00:00Z"));

        string refused = Refused(new TimeWindow(new(9, 0), new(17, 0), zone).Check);

        refused.ShouldStartWith($"PRD4008: there is no time zone '{zone}'");
        refused.ShouldContain(suggestion);
    }

    [Theory]
    [InlineData("")]
    [InlineData("Middle Earth/The Shire")]
    [InlineData("../../etc/passwd")]
    public void A_zone_that_is_like_no_other_is_refused_without_a_guess(string zone)
        => Refused(new TimeWindow(new(9, 0), new(17, 0), zone).Check).ShouldNotContain("meant?");

    [Fact]
    public void All_are_the_same_after_a_way_through_JSON()
    {
        OpenHours hours = OpenHours.Of(
            new(new(9, 0), new(17, 30), Berlin) { Days = DaysOfWeek.MondayToFriday, Calendar = Office },
            new(new(22, 0), new(6, 0), "UTC") { Days = DaysOfWeek.Friday | DaysOfWeek.Sunday });

        foreach (JsonSerializerOptions options in (JsonSerializerOptions[])[JsonSerializerOptions.Default, JsonSerializerOptions.Web, FlowJson.DefaultOptions()])
        {
            string json = JsonSerializer.Serialize(hours, options);
            OpenHours back = JsonSerializer.Deserialize<OpenHours>(json, options)!;

            back.ShouldBe(hours);
            back.GetHashCode().ShouldBe(hours.GetHashCode());
            JsonSerializer.Serialize(back, options).ShouldBe(json);
            json.ShouldContain("Sunday, Friday");
        }
    }

    [Fact]
    public void Two_are_equal_when_they_say_the_same()
    {
        BusinessCalendar same = new("office") { Holidays = [new(2025, 12, 26), new(2025, 12, 25), new(2025, 12, 25)] };
        same.ShouldBe(Office);
        same.GetHashCode().ShouldBe(Office.GetHashCode());
        (same with { Holidays = [] }).ShouldNotBe(Office);

        TimeWindow window = new(new(9, 0), new(17, 0), Berlin) { Calendar = Office };
        OpenHours.Of(window).ShouldBe(OpenHours.Of(window with { Calendar = same }));
        OpenHours.Of(window).ShouldNotBe(OpenHours.Of(window with { To = new(18, 0) }));
    }

    [Fact]
    public void A_list_that_is_changed_later_changes_nothing()
    {
        List<TimeWindow> windows = [new(new(9, 0), new(17, 0), Berlin)];
        OpenHours hours = new(windows);
        windows.Clear();

        hours.Windows.Count.ShouldBe(1);
    }

    [Fact]
    public void The_ends_of_the_calendar_are_survived()
    {
        TimeWindow window = new(new(9, 0), new(17, 0), Berlin) { Calendar = Office with { Holidays = [DateOnly.MaxValue, DateOnly.MinValue], Workdays = DaysOfWeek.EveryDay } };
        foreach (TimeWindow one in (TimeWindow[])[window, window with { To = window.From }])
        {
            foreach (DateTimeOffset at in (DateTimeOffset[])[DateTimeOffset.MinValue, DateTimeOffset.MaxValue, DateTimeOffset.MaxValue.AddDays(-20), DateTimeOffset.MinValue.AddDays(20)])
            {
                _ = one.Contains(at);
                _ = OpenHours.Of(one).NextEdge(at);
            }
        }
    }

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    private static string Refused(Action check) => Should.Throw<PerdureException>(check).Message;
}
