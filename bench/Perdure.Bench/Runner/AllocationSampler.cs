using System.Diagnostics.Tracing;
using System.Globalization;

namespace Perdure.Bench.Runner;

/// <summary>Which types are allocated most: the runtime reports one allocation in every 100 KB.</summary>
internal sealed class AllocationSampler : EventListener
{
    private const EventKeywords GcKeyword = (EventKeywords)1;
    private const string AllocationTick = "GCAllocationTick";
    private const int Shown = 25;

    private readonly Dictionary<string, long> _bytesByType = [];
    private readonly Lock _lock = new();

    /// <summary>Writes the types with the largest shares.</summary>
    public void Print(TextWriter writer)
    {
        lock (_lock)
        {
            double all = _bytesByType.Values.Sum();
            foreach ((string type, long bytes) in _bytesByType.OrderByDescending(t => t.Value).Take(Shown))
            {
                writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{bytes / all,7:P1}  {type}"));
            }
        }
    }

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == "Microsoft-Windows-DotNETRuntime")
        {
            EnableEvents(eventSource, EventLevel.Verbose, GcKeyword);
        }
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData.EventName?.StartsWith(AllocationTick, StringComparison.Ordinal) != true
            || eventData.PayloadNames is not { } names || eventData.Payload is not { } payload)
        {
            return;
        }

        string type = (string?)payload[names.IndexOf("TypeName")] ?? "?";
        long bytes = Convert.ToInt64(payload[names.IndexOf("AllocationAmount64")], CultureInfo.InvariantCulture);
        lock (_lock)
        {
            _bytesByType[type] = _bytesByType.GetValueOrDefault(type) + bytes;
        }
    }
}
