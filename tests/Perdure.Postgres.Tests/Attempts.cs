using Npgsql;
using Perdure.Postgres.Node;

namespace Perdure.Postgres.Tests;

/// <summary>Judges the limits of a queue by what its handlers say of when they ran.</summary>
internal static class Attempts
{
    /// <summary>Checks that there were never more at once than may be, on all nodes together, and that there were as many as may be.</summary>
    public static async Task CheckAsync(NpgsqlDataSource database)
    {
        List<(string Job, string Lane, DateTime Began, DateTime Ended)> attempts = [];
        await using NpgsqlCommand command = database.CreateCommand("SELECT job, lane, began, ended FROM attempt WHERE sure");
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            attempts.Add((reader.GetString(0), reader.GetString(1), reader.GetDateTime(2), reader.GetDateTime(3)));
        }

        Highest(attempts).ShouldBe(Work.AtOnce, "how many ran at once");
        attempts.GroupBy(a => a.Lane).Max(Highest).ShouldBe(Work.AtOncePerLane, "how many of one key ran at once");
        attempts.GroupBy(a => a.Job).Max(Highest).ShouldBe(1, "how many attempts of one job ran at once");
    }

    private static int Highest(IEnumerable<(string Job, string Lane, DateTime Began, DateTime Ended)> attempts)
    {
        int highest = 0;
        int running = 0;
        foreach ((DateTime _, int change) in attempts.SelectMany(a => new[] { (At: a.Began, Change: 1), (At: a.Ended, Change: -1) }).OrderBy(e => e))
        {
            running += change;
            highest = Math.Max(highest, running);
        }

        return highest;
    }
}
