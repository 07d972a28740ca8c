using System.Text.Json.Serialization;

namespace Perdure;

/// <summary>What becomes of a time that falls on a day on which no business is done.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DayShift>))]
public enum DayShift
{
    /// <summary>It is left out.</summary>
    Skip,

    /// <summary>It is put off to the same local time on the next business day.</summary>
    Next,

    /// <summary>It is brought forward to the same local time on the last business day before.</summary>
    Previous,
}
