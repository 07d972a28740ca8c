using System.Globalization;
using Microsoft.Extensions.Hosting;
using Perdure.Postgres.Node;

// NAME DATABASE SKEW LEASE PREPARE, times in seconds: a node that runs until it is told to stop, or until whoever started it is gone.
using IHost host = NodeHost.Build(args[0], args[1], Seconds(args[2]), Seconds(args[3]), bool.Parse(args[4]));
await host.StartAsync();
Console.WriteLine("ready");
await Console.In.ReadToEndAsync();
await host.StopAsync();
Console.WriteLine("stopped");

static TimeSpan Seconds(string text) => TimeSpan.FromSeconds(double.Parse(text, CultureInfo.InvariantCulture));
