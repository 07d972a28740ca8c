using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Perdure.Shared;

/// <summary>
/// A PostgreSQL server of its own, on loopback, with its data in a folder of its own and the settings that PostgreSQL comes with. It can be killed,
/// and started again with what it had on disk. It ends with the process that started it, however that ends.
/// </summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    /// <summary>A server boots in a second; a busy machine may need many times that, and recovery comes on top.</summary>
    private static readonly TimeSpan BootLimit = TimeSpan.FromMinutes(2);

    // The shell gets the end of its input when whoever started it is gone, and then stops the server.
    private const string Watched = "\"$@\" & server=$!; cat > /dev/null; kill -QUIT $server 2> /dev/null; wait $server";

    private readonly string _folder;
    private readonly string _bin;
    private readonly (string Uid, string Gid)? _user;
    private readonly int _port = FreePort();
    private readonly List<string> _log = [];
    private readonly List<(string Text, TaskCompletionSource Said)> _awaited = [];
    private Process? _shell;
    private TaskCompletionSource _ready = new();

    private PostgresServer(string folder, SmallDisk? disk = null)
    {
        _folder = folder;
        Disk = disk;
        _bin = FindPrograms();
        _user = Environment.IsPrivilegedProcess ? FindUser() : null;
    }

    /// <summary>The disk that its data is on, where that is a small one.</summary>
    public SmallDisk? Disk { get; }

    /// <summary>Where clients come in.</summary>
    public string Address => $"127.0.0.1:{_port.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>The database that a server has from the beginning, for its owner.</summary>
    public string ConnectionString => $"Host=127.0.0.1;Port={_port};Database=postgres;Username=perdure";

    /// <summary>Settings for the next start, over those that PostgreSQL comes with.</summary>
    public Dictionary<string, string> Settings { get; } = [];

    /// <summary>What the server said so far.</summary>
    public IReadOnlyList<string> Log
    {
        get
        {
            lock (_log)
            {
                return [.. _log];
            }
        }
    }

    /// <summary>Completes when the server has said something; what it said before is in <see cref="Log"/> then.</summary>
    public Task HasSaidAsync(string text)
    {
        lock (_log)
        {
            if (_log.Exists(line => line.Contains(text, StringComparison.Ordinal)))
            {
                return Task.CompletedTask;
            }

            TaskCompletionSource said = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _awaited.Add((text, said));
            return said.Task;
        }
    }

    /// <summary>The server's main process, while it runs.</summary>
    public int ProcessId => int.Parse(File.ReadLines(Disk?.PathOf(PidFile) ?? PidFile).First(), CultureInfo.InvariantCulture);

    private string PidFile => Path.Combine(Data, "postmaster.pid");

    private string DiskFolder => Path.Combine(_folder, "disk");

    private string Data => Path.Combine(Disk is null ? _folder : DiskFolder, "data");

    /// <summary>User and system time of the server's processes, those that have ended included.</summary>
    public TimeSpan Cpu()
    {
        const double ticksPerSecond = 100; // what Linux counts in for everybody to see
        int server = ProcessId;
        double ticks = 0;
        foreach (string process in Directory.GetDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])))
        {
            ticks += ReadStat(process) is { } stat && (stat.Process == server || stat.Parent == server) ? stat.Ticks : 0;
        }

        return TimeSpan.FromSeconds(ticks / ticksPerSecond);
    }

    /// <summary>Makes a server and starts it.</summary>
    /// <param name="parent">The folder to make its own folder in; null for the system's temporary one.</param>
    public static async Task<PostgresServer> StartNewAsync(string? parent = null)
    {
        string folder = parent is null ? Directory.CreateTempSubdirectory("perdure-postgres-").FullName : Directory.CreateDirectory(Path.Combine(parent, "postgres")).FullName;
        return await new PostgresServer(folder).InitAsync();
    }

    /// <summary>Makes a server with its data on a small disk, and starts it.</summary>
    /// <param name="megabytes">How small it is.</param>
    /// <param name="withLog">Whether the write-ahead log is on it, too; otherwise it has room enough.</param>
    public static async Task<PostgresServer> StartOnSmallDiskAsync(int megabytes, bool withLog)
    {
        string folder = Directory.CreateTempSubdirectory("perdure-postgres-").FullName;
        var server = new PostgresServer(folder, await SmallDisk.MakeAsync(Directory.CreateDirectory(Path.Combine(folder, "disk")).FullName, megabytes));
        return await server.InitAsync(["--wal-segsize=1", .. withLog ? (string[])[] : [$"--waldir={Path.Combine(folder, "wal")}"]]);
    }

    /// <summary>Makes another server with a copy of what is in this one, that follows it and can be read; and starts it.</summary>
    /// <param name="name">What this server calls it.</param>
    public async Task<PostgresServer> StartStandbyAsync(string name)
    {
        var standby = new PostgresServer(Directory.CreateTempSubdirectory("perdure-postgres-").FullName);
        if (_user is { } user)
        {
            await standby.RunAsync("chown", asUser: false, user.Uid, standby._folder);
        }

        string here = $"host=127.0.0.1 port={_port.ToString(CultureInfo.InvariantCulture)} user=perdure application_name={name}";
        await standby.RunAsync(Path.Combine(_bin, "pg_basebackup"), asUser: true, "-d", here, "-D", standby.Data, "--write-recovery-conf", "--checkpoint=fast", "--no-sync");
        await standby.StartAsync();
        return standby;
    }

    /// <summary>Starts the server with what it has on disk; completes when clients can come.</summary>
    public async Task StartAsync()
    {
        _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
        List<string> command = ["/bin/sh", "-c", Watched, "sh", Path.Combine(_bin, "postgres"), "-D", Data, "-p", _port.ToString(CultureInfo.InvariantCulture)];
        command.AddRange(Settings.Append(new("listen_addresses", "127.0.0.1")).Append(new("unix_socket_directories", "")).SelectMany(setting => new[] { "-c", $"{setting.Key}={setting.Value}" }));
        _shell = Process.Start(Info(command, asUser: true))!;
        TaskCompletionSource ready = _ready;
        _shell.ErrorDataReceived += (_, line) => Hear(line.Data, ready);
        _shell.BeginErrorReadLine();
        await _ready.Task.WaitAsync(BootLimit);
    }

    /// <summary>Starts another program as the server's user, that ends with its input.</summary>
    public Process StartBeside(params string[] command) => Process.Start(Info(["/bin/sh", "-c", Watched.Replace("-QUIT", "-TERM", StringComparison.Ordinal), "sh", .. command], asUser: true))!;

    /// <summary>Makes a standby a server of its own; completes when it takes commits.</summary>
    public Task PromoteAsync() => RunAsync(Path.Combine(_bin, "pg_ctl"), asUser: true, "promote", "--wait", "-D", Data);

    /// <summary>Ends the server as a power failure would, but for what the system has not written yet.</summary>
    public async Task KillAsync()
    {
        using var server = Process.GetProcessById(ProcessId);
        server.Kill(entireProcessTree: true);
        await EndAsync();
    }

    /// <summary>Stops the server as an administrator does who does not wait for clients.</summary>
    public async Task StopAsync()
    {
        using var server = Process.GetProcessById(ProcessId);
        await RunAsync("kill", asUser: true, "-INT", server.Id.ToString(CultureInfo.InvariantCulture));
        await server.WaitForExitAsync();
        await EndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        await (Disk?.DisposeAsync() ?? ValueTask.CompletedTask);
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Waits for the end of a server that ends by itself; one that does not is told to, at once.</summary>
    public async Task EndAsync()
    {
        if (_shell is { } shell)
        {
            shell.StandardInput.Close();
            await shell.WaitForExitAsync();
            shell.Dispose();
            _shell = null;
        }
    }

    private async Task<PostgresServer> InitAsync(params string[] arguments)
    {
        if (_user is { } user)
        {
            await RunAsync("chown", asUser: false, user.Uid, _folder);
        }

        await RunAsync(Path.Combine(_bin, "initdb"), asUser: true, ["-D", Data, "-U", "perdure", "-A", "trust", "-E", "UTF8", "--locale=C", "-N", .. arguments]);
        await StartAsync();
        return this;
    }

    private void Hear(string? line, TaskCompletionSource ready)
    {
        lock (_log)
        {
            _log.Add(line ?? "(end)");
            _awaited.FindAll(awaited => line?.Contains(awaited.Text, StringComparison.Ordinal) == true).ForEach(awaited => awaited.Said.TrySetResult());
        }

        if (line is null)
        {
            ready.TrySetException(new InvalidOperationException($"The server ended while it booted:{Environment.NewLine}{string.Join(Environment.NewLine, Log)}"));
        }
        else if (line.Contains("database system is ready to accept", StringComparison.Ordinal))
        {
            ready.TrySetResult();
        }
    }

    private async Task RunAsync(string program, bool asUser, params string[] arguments)
    {
        using Process process = Process.Start(Info([program, .. arguments], asUser))!;
        process.StandardInput.Close();
        Task said = process.StandardOutput.ReadToEndAsync();
        string errors = await process.StandardError.ReadToEndAsync();
        await said;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {errors}");
        }
    }

    /// <summary>PostgreSQL refuses to run as root.</summary>
    private ProcessStartInfo Info(List<string> command, bool asUser)
    {
        List<string> whole = asUser && _user is { } user ? ["setpriv", $"--reuid={user.Uid}", $"--regid={user.Gid}", "--clear-groups", "--", .. command] : command;
        whole = Disk is null || !asUser ? whole : [.. Disk.Enter, .. whole];
        var info = new ProcessStartInfo(whole[0], whole[1..]) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder };
        info.Environment["LC_ALL"] = "C"; // what it says is read
        return info;
    }

    /// <summary>A process, its parent, and the time that it and its children that have ended took; null if it is gone.</summary>
    private static (int Process, int Parent, double Ticks)? ReadStat(string process)
    {
        try
        {
            string stat = File.ReadAllText(Path.Combine(process, "stat"));
            double[] fields = [.. stat[(stat.LastIndexOf(')') + 4)..].Split(' ').Take(14).Select(field => double.Parse(field, CultureInfo.InvariantCulture))];
            return (int.Parse(Path.GetFileName(process), CultureInfo.InvariantCulture), (int)fields[0], fields[10..14].Sum());
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string FindPrograms() =>
        Directory.Exists("/usr/lib/postgresql") && Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).Where(bin => File.Exists(Path.Combine(bin, "initdb"))).Max() is { } debian
            ? debian
            : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').FirstOrDefault(bin => File.Exists(Path.Combine(bin, "initdb")))
                ?? throw new InvalidOperationException("This needs a PostgreSQL server: run scripts/install-postgres.sh, or install Debian's package postgresql.");

    private static (string Uid, string Gid) FindUser()
    {
        List<string[]> users = [.. File.ReadLines("/etc/passwd").Select(line => line.Split(':')).Where(user => user[0] is "postgres" or "nobody")];
        string[] found = users.MaxBy(user => user[0] == "postgres") ?? throw new InvalidOperationException("PostgreSQL refuses to run as root, and there is no user postgres or nobody.");
        return (found[2], found[3]);
    }

    /// <summary>A port under those that the system gives to connections, so that none takes it while the server is down.</summary>
    public static int FreePort()
    {
        while (true)
        {
            int port = Random.Shared.Next(20_000, 32_000);
            try
            {
                using var probe = new TcpListener(IPAddress.Loopback, port);
                probe.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody has it.
            }
        }
    }
}
