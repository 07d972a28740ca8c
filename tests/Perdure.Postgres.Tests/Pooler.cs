using System.Diagnostics;
using System.Globalization;
using Perdure.Shared;

namespace Perdure.Postgres.Tests;

/// <summary>PgBouncer before a server, in transaction mode: after each transaction a connection to the server goes on to whoever wants one.</summary>
internal sealed class Pooler : IAsyncDisposable
{
    /// <summary>Far fewer than its clients have: they must share them.</summary>
    public const int Connections = 8;

    private static readonly TimeSpan BootLimit = TimeSpan.FromMinutes(1);

    private readonly DirectoryInfo _folder;
    private readonly Process _process;

    private Pooler(DirectoryInfo folder, Process process, int port)
    {
        _folder = folder;
        _process = process;
        ConnectionString = $"Host=127.0.0.1;Port={port.ToString(CultureInfo.InvariantCulture)};Database=postgres;Username=perdure;No Reset On Close=true";
    }

    public string ConnectionString { get; }

    public static async Task<Pooler> StartAsync(PostgresServer server)
    {
        int port = PostgresServer.FreePort();
        DirectoryInfo folder = Directory.CreateTempSubdirectory("perdure-pooler-");
        string settings = Path.Combine(folder.FullName, "pgbouncer.ini");
        await File.WriteAllTextAsync(settings, string.Create(CultureInfo.InvariantCulture, $"""
            [databases]
            postgres = host=127.0.0.1 port={server.Address.Split(':')[1]} dbname=postgres user=perdure
            [pgbouncer]
            pool_mode = transaction
            default_pool_size = {Connections}
            max_client_conn = 1000
            listen_addr = 127.0.0.1
            listen_port = {port}
            unix_socket_dir =
            auth_type = any
            """));
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(folder.FullName, folder.UnixFileMode | UnixFileMode.OtherRead | UnixFileMode.OtherExecute); // it does not run as root
        }

        Process process = server.StartBeside(File.Exists("/usr/sbin/pgbouncer") ? "/usr/sbin/pgbouncer" : "pgbouncer", settings);
        TaskCompletionSource up = new(TaskCreationOptions.RunContinuationsAsynchronously);
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data?.Contains("process up", StringComparison.Ordinal) == true)
            {
                up.TrySetResult();
            }
        };
        process.BeginErrorReadLine();
        await up.Task.WaitAsync(BootLimit);
        return new Pooler(folder, process, port);
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }
}
