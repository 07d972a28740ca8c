using Perdure.CrashTests.Runs;
using Perdure.CrashTests.Victim;
using Perdure.Sqlite;
using Perdure.Storage;

namespace Perdure.CrashTests;

public class SecondProcessTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_store_that_another_process_has_open_is_refused_until_that_process_is_dead()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("perdure-");
        try
        {
            var settings = new Settings(folder.FullName, Seed: 1, Flows: 5_000, Life: 0);
            await using VictimProcess first = VictimProcess.Start(settings);
            await first.ReadyAsync(Limit);

            await using (var second = new SqliteStore(settings.Store))
            {
                StoreException error = await Should.ThrowAsync<StoreException>(second.OpenAsync(1, default));
                error.Code.ShouldBe("PRD5001");
            }

            first.Kill();
            await first.EndAsync(Limit);
            await using var next = new SqliteStore(settings.Store);
            await next.OpenAsync(1, default);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
