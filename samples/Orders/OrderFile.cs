using System.Text.Json;
using System.Text.Json.Serialization;

namespace Orders;

/// <summary>Reads orders from a file with one JSON object a line.</summary>
internal static class OrderFile
{
    /// <summary>The JSON of files and of HTTP: nothing that is needed may be missing or null.</summary>
    public static void Configure(JsonSerializerOptions json)
    {
        json.Converters.Add(new JsonStringEnumConverter());
        json.RespectNullableAnnotations = true;
        json.RespectRequiredConstructorParameters = true;
    }

    /// <summary>Reads all orders that are well formed.</summary>
    /// <param name="path">The file.</param>
    /// <param name="complain">Takes one sentence for each line that is not, with its number.</param>
    public static async Task<IReadOnlyList<Order>> ReadAsync(string path, Action<string> complain)
    {
        var json = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        Configure(json);
        var lineOf = new Dictionary<string, int>();
        List<Order> orders = [];
        int number = 0;
        await foreach (string line in File.ReadLinesAsync(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            (Order? order, string? problem) = Parse(line, json);
            if (problem is null && !lineOf.TryAdd(order!.Id, number))
            {
                problem = $"order {order.Id} is on line {lineOf[order.Id]} already";
            }

            if (problem is null)
            {
                orders.Add(order!);
            }
            else
            {
                complain($"{Path.GetFileName(path)}, line {number}: {problem}; the line is left out");
            }
        }

        return orders;
    }

    private static (Order? Order, string? Problem) Parse(string line, JsonSerializerOptions json)
    {
        try
        {
            return JsonSerializer.Deserialize<Order>(line, json) is { } order ? (order, order.Problem()) : (null, "null is no order");
        }
        catch (JsonException e)
        {
            // The parser counts lines within its text, which is one line: only the column says something.
            string what = e.Message.Split([" Path: ", " LineNumber: "], StringSplitOptions.None)[0].TrimEnd('.', '|', ' ');
            return (null, $"{what} (at {e.Path}, column {e.BytePositionInLine + 1})");
        }
    }
}
