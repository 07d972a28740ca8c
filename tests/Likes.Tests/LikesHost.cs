using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Likes.JobStore;
using Likes.Posts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Perdure;

[assembly: CollectionBehavior(DisableTestParallelization = true)]   // they measure times

namespace Likes.Tests;

/// <summary>The sample as it runs, on a free port, with its faults at hand.</summary>
public sealed class LikesHost : IAsyncDisposable
{
    private static readonly Lazy<Task> Warm = new(WarmAsync);

    private readonly WebApplication _app;

    private LikesHost(WebApplication app)
    {
        _app = app;
        Http = new HttpClient { BaseAddress = Url };
    }

    public Uri Url => new(_app.Urls.First());

    public HttpClient Http { get; }

    public DatabaseFaults Database => _app.Services.GetRequiredService<DatabaseFaults>();

    public JobStoreSwitch Jobs => _app.Services.GetRequiredService<JobStoreSwitch>();

    public PostsDatabase Posts => _app.Services.GetRequiredService<PostsDatabase>();

    public PerdureClient Perdure => _app.Services.GetRequiredService<PerdureClient>();

    /// <summary>Times that suit a test: what waits is tried again soon.</summary>
    public static LikesOptions Quick { get; } = new()
    {
        RetryFirst = TimeSpan.FromMilliseconds(100),
        RetryCap = TimeSpan.FromMilliseconds(200),
        BreakerOpenFor = TimeSpan.FromMilliseconds(200),
        BreakerOpenForMax = TimeSpan.FromMilliseconds(200),
    };

    /// <summary>Starts a host over a folder, which may be that of one that has stopped.</summary>
    public static async Task<LikesHost> StartAsync(string folder, LikesOptions? options = null, int port = 0)
    {
        await Warm.Value;
        return await StartColdAsync(folder, options, port);
    }

    private static async Task<LikesHost> StartColdAsync(string folder, LikesOptions? options, int port)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        builder.Services.AddSingleton(options ?? Quick).AddLikes(folder);
        WebApplication app = builder.Build();
        app.MapLikes();
        await app.StartAsync();
        return new LikesHost(app);
    }

    public Task<Answer> LikeAsync(string user, string post = "1", long seq = 1) => PostAsync("likes", user, post, seq);

    public Task<Answer> UnlikeAsync(string user, string post = "1", long seq = 2) => PostAsync("unlikes", user, post, seq);

    public async Task<Answer> PostAsync(string path, string user, string post, long seq)
    {
        long began = Stopwatch.GetTimestamp();
        using HttpResponseMessage response = await Http.PostAsJsonAsync(path, new { user, post, seq });
        string body = await response.Content.ReadAsStringAsync();
        return new Answer(response.StatusCode, JsonSerializer.Deserialize<LikeAnswer>(body, JsonSerializerOptions.Web)!, Stopwatch.GetElapsedTime(began));
    }

    /// <summary>A like that is pending, its database being down.</summary>
    public async Task<string> PendingAsync(string user, string post = "1", long seq = 1)
    {
        Database.IsDown = true;
        Answer answer = await LikeAsync(user, post, seq);
        answer.Status.ShouldBe(HttpStatusCode.Accepted);
        return answer.Body.Operation.ShouldNotBeNull();
    }

    /// <summary>The first calls of a process compile what they pass through, which takes longer than the budget; tests measure those after them.</summary>
    private static async Task WarmAsync()
    {
        using var folder = new TestFolder();
        await using LikesHost host = await StartColdAsync(folder.Path, Quick, port: 0);
        await Deadline.UntilAsync(async () => (await host.LikeAsync("ada")).Status == HttpStatusCode.OK, "likes settle");
        host.Database.IsDown = true;
        await Deadline.UntilAsync(async () => (await host.LikeAsync("bob")).Status == HttpStatusCode.Accepted, "likes are accepted");
        await host.UnlikeAsync("bob");
    }

    public async Task<HttpStatusCode> CancelAsync(string operation)
    {
        using HttpResponseMessage response = await Http.DeleteAsync($"operations/{operation}");
        return response.StatusCode;
    }

    public async Task<LikeAnswer> OperationAsync(string operation) => (await Http.GetFromJsonAsync<LikeAnswer>($"operations/{operation}"))!;

    public Task BecomesAsync(string operation, string state) => Deadline.UntilAsync(async () => (await OperationAsync(operation)).State == state, $"operation {operation} is {state}");

    public async Task<PostInfo> PostOfAsync(string user, string post = "1") => (await Http.GetFromJsonAsync<List<PostInfo>>($"posts?user={user}"))!.Single(p => p.Id == post);

    /// <summary>Lets a like of somebody else pass, on another post: what was due before it has been looked at.</summary>
    public async Task PassAsync(string user = "somebody-else")
    {
        Answer answer = await LikeAsync(user, "5");
        if (answer.Body.Operation is { } operation)
        {
            await BecomesAsync(operation, LikeAnswer.Settled);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}

/// <summary>What came back for a like.</summary>
public sealed record Answer(HttpStatusCode Status, LikeAnswer Body, TimeSpan Took);

/// <summary>A folder that is gone after the test.</summary>
public sealed class TestFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("likes-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

/// <summary>Waits for what must come, and says what did not.</summary>
public static class Deadline
{
    public static readonly TimeSpan Time = TimeSpan.FromSeconds(30);

    /// <summary>Asks until it is so.</summary>
    public static async Task UntilAsync(Func<Task<bool>> isSo, string what)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        using var late = new CancellationTokenSource(Time);
        while (!await isSo())
        {
            late.IsCancellationRequested.ShouldBeFalse($"waited in vain until {what}");
            await timer.WaitForNextTickAsync(CancellationToken.None);
        }
    }
}
