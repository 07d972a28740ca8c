using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Perdure.RabbitMq.Tests;

/// <summary>A RabbitMQ broker of the tests' own, on loopback, with its data in a folder of its own. It can be killed, and started again with what it had on disk.</summary>
public sealed class RabbitServer : IAsyncLifetime
{
    private const string Script = "/usr/lib/rabbitmq/bin/rabbitmq-server";

    /// <summary>A broker boots in some seconds; a busy machine may need many times that.</summary>
    private static readonly TimeSpan BootLimit = TimeSpan.FromMinutes(4);

    private readonly string _folder = Directory.CreateTempSubdirectory("perdure-rabbit-").FullName;
    private readonly int _portMapperPort = FreePort();
    private readonly int _nodePort = FreePort();
    private readonly int _port = FreePort();
    private Process? _portMapper;
    private Process? _broker;

    public Uri Uri => new($"amqp://127.0.0.1:{_port}");

    public async Task InitializeAsync()
    {
        if (!File.Exists(Script))
        {
            throw new InvalidOperationException("These tests need a RabbitMQ broker: run scripts/install-rabbitmq.sh, or install Debian's package rabbitmq-server.");
        }

        AppDomain.CurrentDomain.ProcessExit += (_, _) => Stop();
        await File.WriteAllTextAsync(Path.Combine(_folder, "plugins"), "[].");
        await File.WriteAllTextAsync(Path.Combine(_folder, "rabbit.conf"), "");
        Directory.CreateDirectory(Path.Combine(_folder, "log"));

        // The broker finds this one and starts none of its own, which would outlive it.
        _portMapper = Run("epmd", "-port", _portMapperPort.ToString(CultureInfo.InvariantCulture));
        await StartAsync();
    }

    /// <summary>Starts the broker with what it has on disk; completes when clients can come.</summary>
    public async Task StartAsync()
    {
        var booted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        List<string> said = [];
        _broker = Run(Script);
        _broker.OutputDataReceived += (_, line) =>
        {
            lock (said)
            {
                said.Add(line.Data ?? "(end)");
            }

            if (line.Data is null)
            {
                booted.TrySetException(new InvalidOperationException($"The broker ended while it booted:{Environment.NewLine}{string.Join(Environment.NewLine, said)}"));
            }
            else if (line.Data.Contains("completed with", StringComparison.Ordinal))
            {
                booted.TrySetResult();
            }
        };
        _broker.BeginOutputReadLine();
        await booted.Task.WaitAsync(BootLimit);
    }

    /// <summary>Ends the broker as a power failure would.</summary>
    public async Task KillAsync()
    {
        _broker!.Kill(entireProcessTree: true);
        await _broker.WaitForExitAsync();
    }

    public Task DisposeAsync()
    {
        Stop();
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }

    private void Stop()
    {
        foreach (Process? process in (Process?[])[_broker, _portMapper])
        {
            if (process is { HasExited: false })
            {
                process.Kill(entireProcessTree: true);
                process.WaitForExit();
            }
        }
    }

    private Process Run(string program, params string[] arguments)
    {
        var info = new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, WorkingDirectory = _folder };
        string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
        string In(string name) => Path.Combine(_folder, name);
        foreach ((string name, string value) in new (string, string)[]
        {
            ("HOME", _folder), // for the cookie
            ("ERL_EPMD_PORT", Text(_portMapperPort)),
            ("ERL_EPMD_ADDRESS", "127.0.0.1"),
            ("RUNNING_UNDER_SYSTEMD", "true"), // the script becomes the broker, so that its process is the broker's
            ("RABBITMQ_NODENAME", $"perdure{_port}@localhost"),
            ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1"),
            ("RABBITMQ_NODE_PORT", Text(_port)),
            ("RABBITMQ_DIST_PORT", Text(_nodePort)),
            ("RABBITMQ_MNESIA_BASE", In("db")),
            ("RABBITMQ_LOG_BASE", In("log")),
            ("RABBITMQ_PID_FILE", In("pid")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", In("plugins")),
            ("RABBITMQ_CONFIG_FILE", In("rabbit.conf")),
            ("RABBITMQ_CONF_ENV_FILE", "/dev/null"),
            ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}"),
        })
        {
            info.Environment[name] = value;
        }

        return Process.Start(info)!;
    }

    /// <summary>A port under those that the system gives to connections, so that none takes it while the broker is down.</summary>
    private static int FreePort()
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

/// <summary>All tests share one broker, one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class OneBroker : ICollectionFixture<RabbitServer>
{
    public const string Name = "one broker";
}
