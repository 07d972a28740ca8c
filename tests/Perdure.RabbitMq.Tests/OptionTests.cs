using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Perdure.RabbitMq.Tests;

/// <summary>What is found at the start.</summary>
public sealed class OptionTests
{
    [Fact]
    public void Mistakes_are_found_at_the_start()
    {
        CodeOf(r => { }).ShouldBe("PRD7002");
        CodeOf(r => r.Out("order", "")).ShouldBe("PRD7002");
        CodeOf(r => r.Out("order", new string('x', 256))).ShouldBe("PRD7002");
        CodeOf(r => r.Out("order", "a").Out("order", "b")).ShouldBe("PRD7002");
        CodeOf(r => r.Out("unheard-of", "a")).ShouldBe("PRD7002");
        CodeOf(r => r.In("a").In("a")).ShouldBe("PRD7002");
        CodeOf(r => r.In("a", q => q.DeadLetters = "a")).ShouldBe("PRD7002");
        CodeOf(r => r.In("a", q => q.Bind(" "))).ShouldBe("PRD7002");
        CodeOf(r => (r.Out("order", "a").Uri, _) = (new Uri("http://localhost"), 0)).ShouldBe("PRD7002");
        CodeOf(r => r.In("a", q => q.Prefetch = 0)).ShouldBe("PRD4004");
        CodeOf(r => r.Out("order", "a", o => o.ConfirmTimeout = TimeSpan.Zero)).ShouldBe("PRD4004");
        CodeOf(r => r.Out("order", "a", o => o.Queue.Concurrency = 0)).ShouldBe("PRD4004");
        CodeOf(r => r.Out("order", "a").Heartbeat = TimeSpan.Zero).ShouldBe("PRD4004");
        CodeOf(r => r.Out("order", "a").ReconnectPauseMax = TimeSpan.FromHours(1)).ShouldBe("PRD4004");
        CodeOf(r => r.Out("order", "a"), p => p.Subscribe<Placed>("rabbitmq-order", (_, _) => Task.CompletedTask)).ShouldBe("PRD4010");
        CodeOf(r => r.Out("order", "a").In("a")).ShouldBeNull();
    }

    [Fact]
    public async Task Messages_that_no_event_type_is_there_for_are_not_even_asked_for()
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddPerdure(p => p.UseMemory().UseRabbitMq(r => r.In("a")));
        using IHost host = builder.Build();

        (await Should.ThrowAsync<PerdureException>(() => host.StartAsync())).Code.ShouldBe("PRD7002");
    }

    private static string? CodeOf(Action<RabbitMqOptions> configure, Action<PerdureBuilder>? more = null)
    {
        try
        {
            new ServiceCollection().AddPerdure(p =>
            {
                p.UseMemory().AddEvent<Placed>(e => e.Order, topic: "order").UseRabbitMq(configure);
                more?.Invoke(p);
            });
            return null;
        }
        catch (PerdureException e)
        {
            return e.Code;
        }
    }
}
