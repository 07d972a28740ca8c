using System.Globalization;
using System.Text;

namespace Perdure.Picture;

/// <summary>A sequence diagram as Mermaid text.</summary>
internal static class SequenceMermaid
{
    private const int LabelLengthMax = 120;

    public static string Write(Sequence sequence)
    {
        var text = new StringBuilder("sequenceDiagram\n");
        Dictionary<string, string> ids = [];
        foreach (string participant in sequence.Participants)
        {
            ids[participant] = $"p{ids.Count}";
            text.Append(CultureInfo.InvariantCulture, $"    participant {ids[participant]} as {Escape(participant)}\n");
        }

        foreach (SequenceMessage message in sequence.Messages)
        {
            string arrow = message.IsAnswer ? "-->>" : message.Entry!.Kind == TransactionEntryKind.Undo ? "-)" : "->>";
            text.Append(CultureInfo.InvariantCulture, $"    {ids[message.From]}{arrow}{ids[message.To]}: {Escape(message.Label)}\n");
        }

        return text.ToString();
    }

    private static string Escape(string text) => MermaidText.Escape(PlainText.Clip(text, LabelLengthMax));
}
