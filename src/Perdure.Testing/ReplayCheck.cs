using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Perdure.Replay;
using Perdure.Testing.Running;

namespace Perdure.Testing;

/// <summary>
/// Checks whether recorded runs fit the code of this build, before it meets them. Histories come from
/// <see cref="PerdureClient.ExportAsync"/> or <see cref="FlowHandle.ExportAsync"/>.
/// </summary>
/// <remarks>The engine's own replay runs: no step does, nothing is written, and no host is started.</remarks>
public static class ReplayCheck
{
    /// <summary>Checks all histories (*.json) of a folder and of those in it.</summary>
    /// <param name="configure">The application's registrations, as its Program has them.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="cancellationToken">Stops the check.</param>
    /// <exception cref="FormatException">A file is no history, or of a newer format.</exception>
    public static Task<ReplayReport> FolderAsync(Action<IServiceCollection> configure, string folder, CancellationToken cancellationToken = default)
    {
        string[] files = Directory.GetFiles(folder, "*.json", SearchOption.AllDirectories);
        return CheckAsync(configure, files.Order(StringComparer.Ordinal), cancellationToken);
    }

    /// <summary>Checks one history.</summary>
    /// <inheritdoc cref="FolderAsync"/>
    /// <param name="configure">The application's registrations, as its Program has them.</param>
    /// <param name="file">The file.</param>
    /// <param name="cancellationToken">Stops the check.</param>
    public static Task<ReplayReport> FileAsync(Action<IServiceCollection> configure, string file, CancellationToken cancellationToken = default)
        => CheckAsync(configure, [file], cancellationToken);

    /// <summary>Checks runs of the store that the registrations choose: a copy of production's file, say.</summary>
    /// <param name="configure">The application's registrations, with the store.</param>
    /// <param name="filter">Which runs; those that are open by default.</param>
    /// <param name="cancellationToken">Stops the check.</param>
    public static async Task<ReplayReport> StoreAsync(Action<IServiceCollection> configure, FlowFilter? filter = null, CancellationToken cancellationToken = default)
    {
        IHost application = TestProcess.Compose(configure).Build();
        await using var services = (IAsyncDisposable)application;
        return await application.Services.GetRequiredService<PerdureClient>().CheckReplayAsync(filter, cancellationToken);
    }

    /// <summary>Every run fits the code.</summary>
    /// <exception cref="ExpectationException">Some do not; the message says which, where and why.</exception>
    public static void ShouldPass(this ReplayReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        Expect.That(report.Passes, report.ToString);
        Expect.That(report.Runs > 0, () => "The replay check found no run to check.");
    }

    private static async Task<ReplayReport> CheckAsync(Action<IServiceCollection> configure, IEnumerable<string> files, CancellationToken cancellationToken)
    {
        IHost application = TestProcess.Compose(configure).Build();
        await using var services = (IAsyncDisposable)application;
        return await application.Services.GetRequiredService<ReplayChecker>().CheckAsync(ReadAsync(files, cancellationToken), cancellationToken);
    }

    private static async IAsyncEnumerable<RecordedRun> ReadAsync(IEnumerable<string> files, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (string file in files)
        {
            await using FileStream source = File.OpenRead(file);
            RecordedRun run;
            try
            {
                run = await HistoryJson.ReadAsync(source, cancellationToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                throw new FormatException($"{file} cannot be read as a history: {e.Message}", e);
            }

            yield return run with { Source = file };
        }
    }
}
