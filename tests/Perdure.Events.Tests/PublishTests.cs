using System.Text;
using Perdure.Testing;

namespace Perdure.Events.Tests;

/// <summary>Publishing: ids, CloudEvents, and what is refused.</summary>
public sealed class PublishTests
{
    [Fact]
    public async Task The_same_id_is_the_same_event_and_with_other_content_a_conflict()
    {
        await using Market market = await Market.OpenAsync((m, p) => p.Subscribe<Placed>("kitchen", m.Hear));
        var options = new PublishOptions { Id = "e1" };

        PublishedEvent first = await market.Perdure.PublishAsync(new Placed("1"), options);
        PublishedEvent again = await market.Perdure.PublishAsync(new Placed("1"), options);
        await market.CrashAsync();
        PublishedEvent later = await market.Perdure.PublishAsync(new Placed("1"), options);
        PublishedEvent other = await market.Perdure.PublishAsync(new Placed("1"), options with { Source = "/elsewhere" });
        PerdureException conflict = await Should.ThrowAsync<PerdureException>(() => market.Perdure.PublishAsync(new Placed("2"), options));
        await market.Test.IdleAsync();

        first.IsDuplicate.ShouldBeFalse();
        again.ShouldBe(first with { IsDuplicate = true });
        later.ShouldBe(again);
        other.Position.ShouldBe(2);
        conflict.Code.ShouldBe("PRD6003");
        market.Heard.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Many_publishers_of_one_id_publish_one_event()
    {
        await using Market market = await Market.OpenAsync((m, p) => p.Subscribe<Placed>("kitchen", m.Hear));

        PublishedEvent[] all = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => market.Perdure.PublishAsync(new Placed("1"), new PublishOptions { Id = "e1" })));
        await market.Test.IdleAsync();

        all.Count(e => !e.IsDuplicate).ShouldBe(1);
        market.Heard.Count.ShouldBe(1);
    }

    [Fact]
    public async Task An_id_is_free_again_once_its_event_is_no_longer_kept()
    {
        await using Market market = await Market.OpenAsync((_, p) => p.AddTopic("order", t => t.Retention = TimeSpan.FromDays(1)), TestTime.ByHand);
        var options = new PublishOptions { Id = "e1" };
        await market.Perdure.PublishAsync(new Placed("1"), options);
        await market.PublishAsync("2");
        await market.Test.AdvanceAsync(TimeSpan.FromDays(2));
        await market.KeepHouseAsync();
        (await market.EventsAsync()).Select(e => e.Key).ShouldBe(["2"]);

        PublishedEvent other = await market.Perdure.PublishAsync(new Placed("3"), options);
        PublishedEvent again = await market.Perdure.PublishAsync(new Placed("3"), options);

        (other.Position, other.IsDuplicate).ShouldBe((3, false));
        again.ShouldBe(other with { IsDuplicate = true });
    }

    [Fact]
    public async Task A_cloud_event_comes_in_with_all_that_it_says()
    {
        await using Market market = await Market.OpenAsync((m, p) => p.Subscribe<Placed>("kitchen", m.Hear));

        PublishedEvent published = await market.Perdure.PublishCloudEventAsync(Json("""
            {"specversion":"1.0","id":"a-1","source":"https://shop.example/web","type":"placed","subject":"9","time":"2024-05-01T12:00:00+02:00",
             "datacontenttype":"application/json","correlationid":"deal 9","tenant":"north","data":{"order":"9","amount":2}}
            """));
        await market.Test.IdleAsync();

        market.Heard.ShouldBe(["kitchen 9"]);
        EventInfo seen = (await market.EventsAsync()).ShouldHaveSingleItem();
        published.Id.ShouldBe("a-1");
        (seen.Source, seen.Key, seen.CorrelationId).ShouldBe(("https://shop.example/web", "9", "deal 9"));
        seen.Time.ShouldBe(new DateTimeOffset(2024, 5, 1, 10, 0, 0, TimeSpan.Zero));
        string written = Encoding.UTF8.GetString(seen.ToCloudEvent());
        written.ShouldContain("\"tenant\":\"north\"");
        written.ShouldContain("\"subject\":\"9\"");
        (await market.Perdure.PublishCloudEventAsync(seen.ToCloudEvent())).IsDuplicate.ShouldBeTrue();
    }

    [Theory]
    [InlineData("nonsense", "PRD6005")]
    [InlineData("[1]", "PRD6005")]
    [InlineData("""{"specversion":"0.3","id":"1","source":"/","type":"placed","data":{"order":"1"}}""", "PRD6005")]
    [InlineData("""{"specversion":"1.0","source":"/","type":"placed","data":{"order":"1"}}""", "PRD6005")]
    [InlineData("""{"specversion":"1.0","id":"1","type":"placed","data":{"order":"1"}}""", "PRD6005")]
    [InlineData("""{"specversion":"1.0","id":7,"source":"/","type":"placed","data":{"order":"1"}}""", "PRD6005")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/","type":"placed"}""", "PRD6005")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/","type":"placed","data_base64":"AA=="}""", "PRD6005")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/","type":"placed","datacontenttype":"text/xml","data":"<a/>"}""", "PRD6005")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/","type":"placed","time":"yesterday","data":{"order":"1"}}""", "PRD6005")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/","type":"placed","time":"2999-01-01T00:00:00Z","data":{"order":"1"}}""", "PRD6004")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/","type":"eaten","data":{"order":"1"}}""", "PRD6001")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/","type":"placed","data":{"order":""}}""", "PRD6002")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/","type":"placed","data":{"amount":"many"}}""", "PRD1006")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/","type":"placed","data":null}""", "PRD1006")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/","type":"placed","id":"2","data":{"order":"1"}}""", "PRD6005")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/","type":"placed","tenant":1,"tenant":2,"data":{"order":"1"}}""", "PRD6005")]
    [InlineData("""{"specversion":"1.0","id":"\ud800","source":"/","type":"placed","data":{"order":"1"}}""", "PRD6005")]
    [InlineData("""{"specversion":"1.0","id":" ","source":"/","type":"placed","data":{"order":"1"}}""", "PRD6005")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/","type":"placed","subject":"","data":{"order":"1"}}""", "PRD6005")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/","type":"placed","\ud800":1,"data":{"order":"1"}}""", "PRD6005")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/","type":"placed","tenant":"\ud800","data":{"order":"1"}}""", "PRD6005")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/","type":"placed","data":{"order":"1","more":"\ud800"}}""", "PRD6005")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/","type":"placed","causationid":"a\u0000b","data":{"order":"1"}}""", "PRD1007")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/","type":"placed","time":"12:00","data":{"order":"1"}}""", "PRD6005")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/","type":"placed","time":"5/1/2024","data":{"order":"1"}}""", "PRD6005")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/","type":"placed","time":"2024-05-01T12:00:00","data":{"order":"1"}}""", "PRD6005")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/","type":"placed","time":"0001-01-01T00:00:00+14:00","data":{"order":"1"}}""", "PRD6005")]
    [InlineData("""{"specversion":"1.0","id":"1","source":"/","type":"placed","time":"9999-12-31T23:59:59.9999999Z","data":{"order":"1"}}""", "PRD6004")]
    public async Task What_cannot_be_an_event_is_refused_and_the_rest_goes_on(string json, string code)
    {
        await using Market market = await Market.OpenAsync((m, p) => p.Subscribe<Placed>("kitchen", m.Hear));

        PerdureException refused = await Should.ThrowAsync<PerdureException>(() => market.Perdure.PublishCloudEventAsync(Json(json)));
        await market.PublishAsync("1");
        await market.Test.IdleAsync();

        refused.Code.ShouldBe(code);
        market.Heard.ShouldBe(["kitchen 1"]);
    }

    [Fact]
    public async Task An_event_that_is_too_large_or_without_a_key_or_unknown_is_refused()
    {
        await using Market market = await Market.OpenAsync((_, p) => p.Configure(o => o.PayloadBytesMax = 1_024));

        (await Should.ThrowAsync<PerdureException>(() => market.Perdure.PublishAsync(new Placed(new string('x', 2_000))))).Code.ShouldBe("PRD1005");
        (await Should.ThrowAsync<PerdureException>(() => market.Perdure.PublishCloudEventAsync(new byte[2_000]))).Code.ShouldBe("PRD1005");
        (await Should.ThrowAsync<PerdureException>(() => market.Perdure.PublishAsync(new Placed("")))).Code.ShouldBe("PRD6002");
        (await Should.ThrowAsync<PerdureException>(() => market.Perdure.PublishAsync("text"))).Code.ShouldBe("PRD6001");
        (await Should.ThrowAsync<PerdureException>(() => market.Perdure.Subscription("nobody").DescribeAsync())).Code.ShouldBe("PRD6006");
        (await Should.ThrowAsync<PerdureException>(() => market.Perdure.PublishAsync(new Placed("half \ud800")))).Code.ShouldBe("PRD1007");
        (await Should.ThrowAsync<PerdureException>(() => market.Perdure.PublishAsync(new Placed("1"), new PublishOptions { Time = DateTimeOffset.MaxValue }))).Code.ShouldBe("PRD6004");
        (await market.EventsAsync()).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("2024-05-01t12:00:00.1234567899-14:00", "2024-05-02T02:00:00.123457Z")] // a store keeps microseconds
    [InlineData("2024-05-01T12:00:00+05:45", "2024-05-01T06:15:00Z")]
    [InlineData("2024-05-01 12:00:00z", "2024-05-01T12:00:00Z")]
    [InlineData("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z")]
    public async Task Times_of_long_ago_and_of_other_offsets_are_taken(string time, string kept)
    {
        await using Market market = await Market.OpenAsync((m, p) => p.Subscribe<Placed>("kitchen", m.Hear));

        PublishedEvent first = await market.Perdure.PublishCloudEventAsync(Json($$$"""{"specversion":"1.0","id":"1","source":"/","type":"placed","time":"{{{time}}}","data":{"order":"1"}}"""));
        byte[] written = (await market.EventsAsync()).ShouldHaveSingleItem().ToCloudEvent();

        Encoding.UTF8.GetString(written).ShouldContain($"\"time\":\"{kept}\"");
        (await market.Perdure.PublishCloudEventAsync(written)).ShouldBe(first with { IsDuplicate = true });
    }

    [Fact]
    public async Task Many_events_for_one_topic_cannot_have_one_id()
    {
        await using Market market = await Market.OpenAsync((m, p) => p.Subscribe<Placed>("kitchen", m.Hear));
        var options = new PublishOptions { Id = "same" };

        (await Should.ThrowAsync<PerdureException>(() => market.Perdure.PublishManyAsync([new Placed("1"), new Placed("2")], options))).Code.ShouldBe("PRD6003");
        await market.Perdure.PublishManyAsync([new Placed("3"), new Paid("3")], options); // an id is known in its topic
        await market.Test.IdleAsync();

        market.Heard.ShouldBe(["kitchen 3"]);
    }

    [Fact]
    public async Task Mistakes_are_found_at_start()
    {
        (await MistakeAsync(p => p.Subscribe<string>("a", (_, _) => Task.CompletedTask))).ShouldBe("PRD6001");
        (await MistakeAsync(p => p.AddEvent<Placed>())).ShouldBe("PRD4010");
        (await MistakeAsync(p => p.Subscribe<Placed>("a", (_, _) => Task.CompletedTask).Subscribe<Placed>("a", (_, _) => Task.CompletedTask))).ShouldBe("PRD4010");
        (await MistakeAsync(p => p.AddSubscription("nobody", _ => { }))).ShouldBe("PRD4004");
        (await MistakeAsync(p => p.AddTopic("silent", _ => { }))).ShouldBe("PRD4004");
        (await MistakeAsync(p => p.AddEvent<int>(configure: e => e.Hold = TimeSpan.Zero))).ShouldBe("PRD4004");
        (await MistakeAsync(p => p.AddFlow<FlowEventTests.Deliver>().StartOn<Paid, FlowEventTests.Deliver>())).ShouldBe("PRD1001");
    }

    private static async Task<string> MistakeAsync(Action<PerdureBuilder> mistake)
        => (await Should.ThrowAsync<PerdureException>(async () => await (await Market.OpenAsync((_, p) => mistake(p))).DisposeAsync())).Code;

    private static byte[] Json(string text) => Encoding.UTF8.GetBytes(text);
}
