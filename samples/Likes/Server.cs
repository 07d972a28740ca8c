using Likes.JobStore;
using Likes.Posts;
using Microsoft.Extensions.FileProviders;
using Perdure;
using Perdure.Diagnostics;

namespace Likes;

/// <summary>Posts and their likes over HTTP, with the page.</summary>
public static class Server
{
    private const int NameMax = 100;

    public static void MapLikes(this WebApplication app)
    {
        var page = new PhysicalFileProvider(Path.Combine(AppContext.BaseDirectory, "page"));
        app.UseDefaultFiles(new DefaultFilesOptions { FileProvider = page });
        app.UseStaticFiles(new StaticFileOptions { FileProvider = page });
        RouteGroupBuilder http = app.MapGroup("").AddEndpointFilter(AnswerErrorsAsync);
        MapPosts(http);
        MapOperations(http);
        MapDirect(http);
        MapControl(http);
    }

    private static void MapPosts(RouteGroupBuilder http)
    {
        http.MapGet("/posts", (string user, PostsDatabase posts, CancellationToken ct) => posts.ListAsync(user, ct));

        http.MapDelete("/posts/{post}", (string post, PostsDatabase posts, CancellationToken ct) => posts.DeleteAsync(post, ct));
    }

    /// <summary>With the broker.</summary>
    private static void MapOperations(RouteGroupBuilder http)
    {
        http.MapPost("/likes", (LikeRequest wish, Operations operations, CancellationToken ct) => LikeAsync(wish, liked: true, operations, ct));

        http.MapPost("/unlikes", (LikeRequest wish, Operations operations, CancellationToken ct) => LikeAsync(wish, liked: false, operations, ct));

        http.MapGet("/operations/{operation}", async (string operation, Operations operations, LikesOptions options, CancellationToken ct) =>
        {
            using CancellationTokenSource late = Within(options.JobStoreWait, ct);
            return await operations.FindAsync(operation, late.Token);
        });

        http.MapDelete("/operations/{operation}", async (string operation, Operations operations, LikesOptions options, CancellationToken ct) =>
        {
            using CancellationTokenSource late = Within(options.JobStoreWait, ct);
            return await operations.CancelAsync(operation, late.Token)
                ? Results.Ok(new LikeAnswer(LikeAnswer.Cancelled) { Operation = operation })
                : Results.Json(new LikeAnswer(LikeAnswer.Settled) { Operation = operation, Reason = "it has ended: unlike the post" }, statusCode: StatusCodes.Status409Conflict);
        });
    }

    /// <summary>Without the broker: as slow as the database, and down with it.</summary>
    private static void MapDirect(RouteGroupBuilder http) => http.MapPost("/direct/likes", async (LikeRequest wish, PostsDatabase posts, CancellationToken ct) =>
    {
        if (wish.Problem() is { } problem)
        {
            return Results.Problem(problem, statusCode: StatusCodes.Status400BadRequest);
        }

        LikeState state = await posts.WriteAsync(new LikeWrite(wish.User, wish.Post, wish.Seq, Liked: true, Operation: $"direct-{Guid.NewGuid():n}"), ct);
        return Results.Ok(new LikeAnswer(LikeAnswer.Settled, state.Liked) { Count = state.Count });
    });

    /// <summary>What goes wrong, for who tries it out.</summary>
    private static void MapControl(RouteGroupBuilder http)
    {
        http.MapGet("/control", (DatabaseFaults faults, JobStoreSwitch jobs) => new Control(faults.Delay.TotalMilliseconds, faults.IsDown, faults.LostAnswers, faults.Barred, jobs.IsDown));

        http.MapPost("/control", (Control control, DatabaseFaults faults, JobStoreSwitch jobs) =>
        {
            (faults.Delay, faults.IsDown, faults.LostAnswers, faults.Barred, jobs.IsDown)
                = (TimeSpan.FromMilliseconds(control.DelayMs), control.IsDown, control.LostAnswers, control.Barred, control.AreJobsDown);
        });
    }

    private static async Task<IResult> LikeAsync(LikeRequest wish, bool liked, Operations operations, CancellationToken cancellationToken)
    {
        if (wish.Problem() is { } problem)
        {
            return Results.Problem(problem, statusCode: StatusCodes.Status400BadRequest);
        }

        LikeAnswer answer = await operations.LikeAsync(new Like(wish.User, wish.Post, wish.Seq, liked), cancellationToken);
        return Results.Json(answer, statusCode: answer.State switch
        {
            LikeAnswer.Settled => StatusCodes.Status200OK,
            LikeAnswer.Pending => StatusCodes.Status202Accepted,
            LikeAnswer.Rejected => StatusCodes.Status409Conflict,
            _ => StatusCodes.Status503ServiceUnavailable,
        });
    }

    private static CancellationTokenSource Within(TimeSpan time, CancellationToken cancellationToken)
    {
        var late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        late.CancelAfter(time);
        return late;
    }

    private static async ValueTask<object?> AnswerErrorsAsync(EndpointFilterInvocationContext call, EndpointFilterDelegate next)
    {
        try
        {
            return await next(call);
        }
        catch (PerdureException e) when (e.Code is ErrorCodes.JobNotFound or ErrorCodes.BadName)
        {
            return Results.Problem(e.Message, statusCode: StatusCodes.Status404NotFound);
        }
        catch (Exception e) when (e is PostGoneException or NotAllowedException)
        {
            return Results.Problem(e.Message, statusCode: StatusCodes.Status409Conflict);
        }
        catch (Exception e) when (e is DatabaseDownException or PerdureException or TimeoutException or OperationCanceledException)
        {
            return Results.Problem(e.Message, statusCode: StatusCodes.Status503ServiceUnavailable);
        }
    }

    /// <summary>A click.</summary>
    /// <param name="User">Whose.</param>
    /// <param name="Post">On which post.</param>
    /// <param name="Seq">Larger for each click of the user; the same when it is sent again.</param>
    public sealed record LikeRequest(string User, string Post, long Seq)
    {
        public string? Problem() => !IsName(User) || !IsName(Post) ? $"user and post are 1 to {NameMax} characters each, without a slash" : Seq < 1 ? "seq is at least 1" : null;

        private static bool IsName(string? name) => name is { Length: >= 1 and <= NameMax } && !name.Any(c => c == '/' || char.IsControl(c));
    }

    /// <summary>What goes wrong.</summary>
    /// <param name="DelayMs">How long each call of the posts' database takes longer.</param>
    /// <param name="IsDown">Whether it refuses all calls.</param>
    /// <param name="LostAnswers">How many writes will be committed without their callers ever hearing of it.</param>
    /// <param name="Barred">Who may like nothing.</param>
    /// <param name="AreJobsDown">Whether the job store is down.</param>
    public sealed record Control(double DelayMs = 0, bool IsDown = false, int LostAnswers = 0, string? Barred = null, bool AreJobsDown = false);
}
