using System.Text;
using System.Text.Json;

namespace Perdure.Bench.Runner;

/// <summary>A run's figures, printed as one line of JSON whatever the machine's culture.</summary>
internal sealed class Report
{
    private readonly List<(string Name, object Value)> _fields = [("name", "perdure")];

    /// <summary>The median latency.</summary>
    public double P50Ms { get; private init; }

    public static Report Of(BenchOptions options, int n, Measured measured, Latencies latencies, string durability)
        => new Report { P50Ms = latencies.PercentileMs(0.50) }
            .With("workload", options.Workload)
            .With("store", options.Store)
            .With("n", n)
            .With("clients", options.Clients)
            .With("seconds", measured.Elapsed.TotalSeconds, 3)
            .With("per_second", n / measured.Elapsed.TotalSeconds, 1)
            .With("p50_ms", latencies.PercentileMs(0.50), 3)
            .With("p95_ms", latencies.PercentileMs(0.95), 3)
            .With("p99_ms", latencies.PercentileMs(0.99), 3)
            .With("cpu_seconds", measured.Cpu.TotalSeconds, 3)
            .With("rss_mb", Meter.PeakRssMb(), 1)
            .With("commits", measured.Commits)
            .With("durability", durability)
            .With("allocated_kb_each", measured.AllocatedBytes / 1024.0 / n, 2)
            .With("gc_pause_ms", measured.Paused.TotalMilliseconds, 1);

    public Report With(string name, object value)
    {
        int at = _fields.FindIndex(f => f.Name == name);
        if (at >= 0)
        {
            _fields[at] = (name, value);
        }
        else
        {
            _fields.Add((name, value));
        }

        return this;
    }

    public Report With(string name, double value, int digits) => With(name, Math.Round((decimal)value, digits));

    public override string ToString()
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            foreach ((string name, object value) in _fields)
            {
                json.WritePropertyName(name);
                JsonSerializer.Serialize(json, value);
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }
}
