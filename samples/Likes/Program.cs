using Likes;
using Perdure;

try
{
    if (args.Contains("--help"))
    {
        Console.WriteLine(CommandLine.Help);
        return 0;
    }

    CommandLine line = CommandLine.Parse(args);
    WebApplicationBuilder builder = WebApplication.CreateBuilder(["--urls", line.Urls]);
    builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning)
        .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);      // why the start failed is said below, in one line
    builder.Services.AddLikes(line.DataFolder);
    await using WebApplication app = builder.Build();
    app.MapLikes();
    await app.RunAsync();
    return 0;
}
catch (UsageException e)
{
    await Console.Error.WriteLineAsync($"likes: {e.Message}; --help lists what there is");
    return 2;
}
catch (Exception e) when (e is PerdureException or IOException or UnauthorizedAccessException)
{
    await Console.Error.WriteLineAsync($"likes: {e.Message}");
    return 1;
}
