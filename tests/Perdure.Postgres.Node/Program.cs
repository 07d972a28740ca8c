using System.Globalization;
using Microsoft.Extensions.Hosting;
using Perdure.Postgres.Node;

// NAME DATABASE SKEW-IN-SECONDS: a node that runs until it is told to stop, or until whoever started it is gone.
using IHost host = NodeHost.Build(args[0], args[1], TimeSpan.FromSeconds(double.Parse(args[2], CultureInfo.InvariantCulture)));
await host.StartAsync();
Console.WriteLine("ready");
await Console.In.ReadToEndAsync();
await host.StopAsync();
Console.WriteLine("stopped");
