using System.Text.Json;
using Perdure.Serialization;

namespace Perdure.Tests.Scheduling;

/// <summary>Cron expressions: what they say by example, and what is said of bad ones.</summary>
public class CronTests
{
    [Theory]
    [InlineData("0 9 * * MON-FRI", "2025-06-06T09:00+02:00", "2025-06-09T09:00+02:00")]
    [InlineData("30 0 9 * * *", "2025-06-06T09:00+02:00", "2025-06-06T09:00:30+02:00")]
    [InlineData("*/15 * * * *", "2025-06-06T09:00:01+02:00", "2025-06-06T09:15+02:00")]
    [InlineData("0 22-2/2 * * *", "2025-06-06T22:00+02:00", "2025-06-07T00:00+02:00")]
    [InlineData("0 0 29 FEB *", "2025-06-06T09:00+02:00", "2028-02-29T00:00+01:00")]
    [InlineData("0 0 L * *", "2025-02-01T00:00+01:00", "2025-02-28T00:00+01:00")]
    [InlineData("0 0 L-3 * *", "2025-02-01T00:00+01:00", "2025-02-25T00:00+01:00")]
    [InlineData("0 0 LW * *", "2025-08-01T00:00+02:00", "2025-08-29T00:00+02:00")]
    [InlineData("0 0 15W * *", "2025-06-01T00:00+02:00", "2025-06-16T00:00+02:00")]
    [InlineData("0 0 1W * *", "2025-02-01T00:00+01:00", "2025-02-03T00:00+01:00")]
    [InlineData("0 0 * * 5L", "2025-06-01T00:00+02:00", "2025-06-27T00:00+02:00")]
    [InlineData("0 0 ? * 2#1", "2025-06-01T00:00+02:00", "2025-06-03T00:00+02:00")]
    [InlineData("0 0 * * 7", "2025-06-02T00:00+02:00", "2025-06-08T00:00+02:00")]
    [InlineData("0 0 13 * FRI", "2025-06-07T00:00+02:00", "2025-06-13T00:00+02:00")]
    [InlineData("0 0 14 * FRI", "2025-06-13T00:00+02:00", "2025-06-14T00:00+02:00")]
    [InlineData("0 0 */2 * MON", "2025-06-02T00:00+02:00", "2025-06-09T00:00+02:00")]
    [InlineData("@daily", "2025-06-06T09:00+02:00", "2025-06-07T00:00+02:00")]
    [InlineData("@Hourly", "2025-06-06T09:00+02:00", "2025-06-06T10:00+02:00")]
    [InlineData("@weekly", "2025-06-06T09:00+02:00", "2025-06-08T00:00+02:00")]
    [InlineData("@monthly", "2025-06-06T09:00+02:00", "2025-07-01T00:00+02:00")]
    [InlineData("@yearly", "2025-06-06T09:00+02:00", "2026-01-01T00:00+01:00")]
    public void It_fires_next(string text, string after, string next) => NextIn("Europe/Berlin", text, after).ShouldBe(At(next));

    [Theory]
    [InlineData("30 2 * * *", "2025-03-30T00:00+01:00", "2025-03-30T03:00+02:00", "2025-03-31T02:30+02:00")]
    [InlineData("*/10 2 * * *", "2025-03-30T00:00+01:00", "2025-03-30T03:00+02:00", "2025-03-31T02:00+02:00")]
    [InlineData("30 * * * *", "2025-03-30T01:00+01:00", "2025-03-30T01:30+01:00", "2025-03-30T03:30+02:00")]
    [InlineData("0 */2 * * *", "2025-03-30T00:00+01:00", "2025-03-30T04:00+02:00", "2025-03-30T06:00+02:00")]
    public void When_clocks_go_forward(string text, string after, string next, string second)
    {
        NextIn("Europe/Berlin", text, after).ShouldBe(At(next));
        NextIn("Europe/Berlin", text, next).ShouldBe(At(second));
    }

    [Theory]
    [InlineData("30 2 * * *", "2025-10-26T00:00+02:00", "2025-10-26T02:30+02:00", "2025-10-27T02:30+01:00")]
    [InlineData("0 * * * *", "2025-10-26T01:00+02:00", "2025-10-26T02:00+02:00", "2025-10-26T02:00+01:00")]
    [InlineData("*/30 2 * * *", "2025-10-26T02:00+02:00", "2025-10-26T02:30+02:00", "2025-10-26T02:00+01:00")]
    [InlineData("0 1-3 * * *", "2025-10-26T01:00+02:00", "2025-10-26T02:00+02:00", "2025-10-26T03:00+01:00")]
    public void When_clocks_go_back(string text, string after, string next, string second)
    {
        NextIn("Europe/Berlin", text, after).ShouldBe(At(next));
        NextIn("Europe/Berlin", text, next).ShouldBe(At(second));
    }

    [Fact]
    public void A_day_that_a_country_leaves_out_is_made_up_for()
    {
        NextIn("Pacific/Apia", "0 9 * * *", "2011-12-29T09:00-10:00").ShouldBe(At("2011-12-31T00:00+14:00"));
        NextIn("Pacific/Apia", "0 9 * * *", "2011-12-31T00:00+14:00").ShouldBe(At("2011-12-31T09:00+14:00"));
    }

    [Theory]
    [InlineData("", 0, "", "five fields")]
    [InlineData("* * * *", 7, "", "it has 4 fields; expected five")]
    [InlineData("0 0 9 * * MON 2025", 14, "", "it has 7 fields")]
    [InlineData("0 25 * * *", 2, "hour", "'25' is not from 0 to 23")]
    [InlineData("60 * * * *", 0, "minute", "'60' is not from 0 to 59")]
    [InlineData("0 0 0 * *", 4, "day of month", "'0' is not from 1 to 31")]
    [InlineData("*/90 * * * *", 2, "minute", "'90' is not from 1 to 59")]
    [InlineData("*/0 * * * *", 2, "minute", "'0' is not from 1 to 59")]
    [InlineData("0 9-x * * *", 4, "hour", "expected a number from 0 to 23, not 'x'")]
    [InlineData("0 9- * * *", 4, "hour", "expected a number from 0 to 23, not the end of the field")]
    [InlineData("0 9,,10 * * *", 4, "hour", "expected a number from 0 to 23, *, not ','")]
    [InlineData("0 9 * FOO *", 6, "month", "expected a number from 1 to 12 or a name from JAN to DEC, *, not 'FOO'")]
    [InlineData("0 9 * * L", 8, "day of week", "?, 5L or 2#1, not 'L'")]
    [InlineData("0 9 * * 2#6", 10, "day of week", "'6' is not from 1 to 5")]
    [InlineData("0 9 L-31 * *", 6, "day of month", "'31' is not from 0 to 30")]
    [InlineData("0 ? * * *", 2, "hour", "not '?'")]
    [InlineData("0 9 ?/2 * *", 5, "day of month", "'/' is too much")]
    [InlineData("0 9 15WL * *", 7, "day of month", "expected a comma or the end of the field, not 'L'")]
    [InlineData("  0 9 * * *x", 11, "day of week", "not 'x'")]
    [InlineData("0 0 30 2 *", 4, "day of month", "it never fires")]
    [InlineData("0 0 0 31 4,6 *", 6, "day of month", "it never fires")]
    [InlineData("@fortnightly", 0, "", "expected @yearly")]
    [InlineData("@daily 9", 7, "", "nothing follows a macro")]
    [InlineData("0 99999999999999 * * *", 2, "hour", "is not from 0 to 23")]
    public void A_mistake_is_shown(string text, int index, string field, string what)
    {
        CronFormatException wrong = Should.Throw<CronFormatException>(() => CronExpression.Parse(text));

        wrong.Message.ShouldStartWith($"PRD4006: the cron expression '{text}' is wrong at index {index}");
        wrong.Message.ShouldContain(what);
        (wrong.Index, wrong.Field).ShouldBe((index, field));
    }

    [Fact]
    public void Any_text_is_read_or_refused()
    {
        var random = new Random(1);
        const string Letters = "0123456789*/-,?LW#@ MONJAN";
        int read = 0;
        for (int i = 0; i < 200_000; i++)
        {
            char[] text = [.. (i % 2 == 0 ? "0 9 * * 1" : new RandomCron(i % 500, seconds: false).Text)];
            for (int changes = random.Next(1, 4); changes > 0; changes--)
            {
                text[random.Next(text.Length)] = Letters[random.Next(Letters.Length)];
            }

            try
            {
                CronExpression.Parse(new string(text)).NextAfter(At("2025-01-01T00:00Z"), TimeZoneInfo.Utc).ShouldNotBeNull();
                read++;
            }
            catch (CronFormatException wrong)
            {
                wrong.Index.ShouldBeInRange(0, text.Length);
            }
        }

        read.ShouldBeInRange(20_000, 180_000);
    }

    [Fact]
    public void The_ends_of_the_calendar_are_survived()
    {
        var cron = CronExpression.Parse("*/5 * * * *");

        cron.NextAfter(DateTimeOffset.MaxValue, TimeZoneInfo.Utc).ShouldBeNull();
        cron.NextAfter(DateTimeOffset.MinValue, TimeZoneInfo.Utc).ShouldNotBeNull();
        CronExpression.Parse("0 0 29 2 MON").NextAfter(At("9990-01-01T00:00Z"), TimeZoneInfo.Utc).ShouldNotBeNull();
        CronExpression.Parse("0 0 29 2 ?").NextAfter(At("9997-01-01T00:00Z"), TimeZoneInfo.Utc).ShouldBeNull();
    }

    [Fact]
    public void It_is_its_text_in_JSON()
    {
        var cron = CronExpression.Parse(" 0 9 * * MON-FRI ");
        string json = JsonSerializer.Serialize(cron, FlowJson.DefaultOptions());

        json.ShouldBe("\"0 9 * * MON-FRI\"");
        JsonSerializer.Deserialize<CronExpression>(json).ShouldBe(cron);
        Should.Throw<JsonException>(() => JsonSerializer.Deserialize<CronExpression>("\"0 25 * * *\"")).Message.ShouldContain("PRD4006");
        Should.Throw<JsonException>(() => JsonSerializer.Deserialize<CronExpression>("5"));
    }

    private static DateTimeOffset? NextIn(string zone, string text, string after)
        => CronExpression.Parse(text).NextAfter(At(after), TimeZoneInfo.FindSystemTimeZoneById(zone));

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
}
