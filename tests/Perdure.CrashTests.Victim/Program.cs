using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Perdure.CrashTests.Victim;
using Perdure.CrashTests.Victim.Jobs;

if (args[0] == "jobs")
{
    await JobVictim.RunAsync(args[1], int.Parse(args[2], System.Globalization.CultureInfo.InvariantCulture));
    return;
}

// Starts planned flows on one store and waits until all have ended, through as many processes as it takes.
Settings settings = Settings.Of(args);
using IHost host = VictimHost.Build(settings);
CancellationToken stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
try
{
    await host.StartAsync();
}
catch (OperationCanceledException) when (stopping.IsCancellationRequested)
{
    Console.WriteLine("stopped"); // while it started; the host gives the store back when it is disposed
    return;
}

Driver driver = host.Services.GetRequiredService<Driver>();
Task driving = driver.RunAsync(stopping);
if (await Task.WhenAny(driver.Started, driving) == driver.Started)
{
    Console.WriteLine("ready");
}

string end = "done";
try
{
    await driving;
}
catch (Exception) when (stopping.IsCancellationRequested)
{
    end = "stopped"; // calls end with the host
}

await host.StopAsync();
Console.WriteLine(end);
