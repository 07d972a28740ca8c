using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orders.Services;

namespace Orders.Tests;

/// <summary>The sample as a server, in a process of its own.</summary>
public sealed class ServerTests : IAsyncLifetime, IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly HttpClient _http = new();
    private readonly Sample _server;

    public ServerTests() => _server = Sample.Start("--serve", "--urls", "http://127.0.0.1:0", "--data", _folder.Path);

    public async Task InitializeAsync()
    {
        string listening = await _server.SaysAsync(line => line.Contains("http://127.0.0.1:"));
        _http.BaseAddress = new Uri(listening[listening.IndexOf("http:", StringComparison.Ordinal)..].TrimEnd());
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose()
    {
        _http.Dispose();
        _server.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task An_order_that_is_posted_is_accepted_with_a_link_to_its_state_and_history()
    {
        HttpResponseMessage accepted = await _http.PostAsJsonAsync("/orders", Some.GoodOrder);
        accepted.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        accepted.Headers.Location.ShouldNotBeNull().ToString().ShouldBe("/orders/1");

        JsonElement order = await SettledAsync("/orders/1");
        order.GetProperty("state").GetString().ShouldBe(OrderState.Approved);
        order.GetRawText().ShouldContain("ConfirmCreateTicket");

        (await _http.PostAsJsonAsync("/orders", Some.GoodOrder)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (await _http.PostAsJsonAsync("/orders", Some.GoodOrder with { Card = "visa-2429" })).StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await _http.GetFromJsonAsync<JsonElement>("/orders")).GetArrayLength().ShouldBe(1);
    }

    [Fact]
    public async Task What_is_no_order_or_not_known_is_refused()
    {
        HttpResponseMessage incomplete = await _http.PostAsJsonAsync("/orders", new { id = "7" });
        incomplete.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await incomplete.Content.ReadAsStringAsync()).ShouldContain("missing required properties including");
        (await _http.PostAsJsonAsync("/orders", Some.GoodOrder with { Id = "a\nb" })).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        HttpResponseMessage noStatus = await _http.GetAsync("/orders?status=Nope");
        noStatus.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await noStatus.Content.ReadAsStringAsync()).ShouldContain("Nope");
        (await _http.PostAsync("/orders/nobody/retry", null)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await _http.PostAsync("/orders/nobody/cancel", null)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await _http.PostAsJsonAsync("/orders", Some.GoodOrder with { Items = [] })).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        (await _http.GetAsync("/orders/nobody")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await _http.GetAsync("/health")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task An_approved_order_can_be_cancelled_and_a_rejected_one_says_why_not()
    {
        await _http.PostAsJsonAsync("/orders", Some.GoodOrder);
        await _http.PostAsJsonAsync("/orders", Some.OfBlockedConsumer);
        await SettledAsync("/orders/1");
        await SettledAsync("/orders/2");

        (await _http.PostAsync("/orders/1/cancel", null)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        HttpResponseMessage refused = await _http.PostAsync("/orders/2/cancel", null);

        refused.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await refused.Content.ReadAsStringAsync()).ShouldContain("REJECTED");
        await Deadline.UntilAsync(async () => (await _http.GetFromJsonAsync<JsonElement>("/orders/1")).GetProperty("state").GetString() == OrderState.Cancelled, "the order is cancelled");
    }

    [Fact]
    public async Task F11_an_order_that_is_pending_answers_409_and_says_why()
    {
        var gate = new Gate();
        using var folder = new TestFolder();
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSingleton<INetwork>(new ScriptedNetwork().On("CreateTicket", (_, _, ct) => gate.PassAsync(ct))).AddOrders(folder.Path);
        await using WebApplication app = builder.Build();
        app.MapOrders();
        await app.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        await http.PostAsJsonAsync("/orders", Some.GoodOrder);
        await gate.Came;

        HttpResponseMessage refused = await http.PostAsync("/orders/1/cancel", null);

        refused.StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await refused.Content.ReadAsStringAsync()).ShouldContain("APPROVAL_PENDING");
        gate.Open();
        await app.StopAsync();
    }

    [Fact]
    public async Task A_choreographed_order_is_accepted_and_says_what_was_heard_of_it()
    {
        using var folder = new TestFolder();
        using Sample server = Sample.Start("--serve", "--style", "choreography", "--urls", "http://127.0.0.1:0", "--data", folder.Path);
        string listening = await server.SaysAsync(line => line.Contains("http://127.0.0.1:"));
        _http.BaseAddress = new Uri(listening[listening.IndexOf("http:", StringComparison.Ordinal)..].TrimEnd());
        (await _http.PostAsJsonAsync("/orders", Some.GoodOrder)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (await _http.PostAsJsonAsync("/orders", Some.OfBlockedConsumer)).StatusCode.ShouldBe(HttpStatusCode.Accepted);

        (await SettledAsync("/orders/1")).GetProperty("state").GetString().ShouldBe(OrderState.Approved);
        (await SettledAsync("/orders/2")).GetProperty("state").GetString().ShouldBe(OrderState.Rejected);
        await Deadline.UntilAsync(async () => (await _http.GetStringAsync("/orders/1")).Contains("order-approved", StringComparison.Ordinal), "the order's end was heard");

        (await _http.PostAsJsonAsync("/orders", Some.GoodOrder with { Card = "visa-2429" })).StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await _http.GetAsync("/orders/nobody")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await _http.GetFromJsonAsync<JsonElement>("/orders")).GetArrayLength().ShouldBe(2);
        (await _http.GetFromJsonAsync<JsonElement>("/orders/stuck")).GetArrayLength().ShouldBe(0);
        (await _http.PostAsync("/orders/2/cancel", null)).StatusCode.ShouldBe(HttpStatusCode.Conflict);
        (await _http.PostAsync("/orders/1/cancel", null)).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        await Deadline.UntilAsync(async () => (await _http.GetFromJsonAsync<JsonElement>("/orders/1")).GetProperty("state").GetString() == OrderState.Cancelled, "the order is cancelled");
    }

    private async Task<JsonElement> SettledAsync(string path)
    {
        JsonElement order = default;
        await Deadline.UntilAsync(async () =>
        {
            order = await _http.GetFromJsonAsync<JsonElement>(path);
            return order.GetProperty("state").GetString() is not (null or OrderState.ApprovalPending);
        }, $"{path} is settled");
        return order;
    }
}
