using System.Net.Sockets;
using Fulfilment;
using Microsoft.Data.Sqlite;
using Perdure;

try
{
    CommandLine line = CommandLine.Parse(args);
    if (line.IsHelp)
    {
        Console.WriteLine(CommandLine.Help);
        return 0;
    }

    line.MakeDataFolder();
    return line.IsServer ? await Server.RunAsync(line) : await Batch.RunAsync(line);
}
catch (UsageException e)
{
    await Console.Error.WriteLineAsync($"fulfilment: {e.Message}; --help lists what there is");
    return 2;
}
catch (Exception e) when (e is PerdureException or IOException or UnauthorizedAccessException or SocketException or SqliteException)
{
    await Console.Error.WriteLineAsync($"fulfilment: {e.Message}");
    return 1;
}
