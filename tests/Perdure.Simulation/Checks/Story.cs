using System.Text.Json;
using Perdure.Simulation.Seen;
using Perdure.Storage;

namespace Perdure.Simulation.Checks;

/// <summary>A rule that was broken.</summary>
/// <param name="Checker">Who found it.</param>
/// <param name="What">What was seen.</param>
internal sealed record Violation(string Checker, string What);

/// <summary>What the committed batches say, run by run. Read from the batches alone, with no code of the engine or its stores.</summary>
internal sealed class Story
{
    private Story(IReadOnlyDictionary<long, RunStory> runs, List<string> contradictions)
    {
        Runs = runs;
        Contradictions = contradictions;
    }

    public IReadOnlyDictionary<long, RunStory> Runs { get; }

    /// <summary>Rows that cannot follow what was committed before.</summary>
    public IReadOnlyList<string> Contradictions { get; }

    public RunStory? Find(FlowKey key) => Runs.Values.FirstOrDefault(r => r.Key == key);

    public static Story Read(Observed observed)
    {
        Dictionary<long, RunStory> runs = [];
        HashSet<FlowKey> keys = [];
        List<string> wrong = [];
        foreach (CommittedBatch committed in observed.Batches)
        {
            foreach (FlowRow flow in committed.Batch.NewFlows)
            {
                if (!runs.TryAdd(flow.Run, new RunStory(flow, committed.Order)) || !keys.Add(flow.Key))
                {
                    wrong.Add($"{flow.Key} (run {flow.Run}) was started twice");
                }
            }

            foreach (FlowUpdate update in committed.Batch.Updates)
            {
                runs.GetValueOrDefault(update.Run)?.States.Add((committed.Order, update.State));
            }

            foreach (HistoryRow row in committed.Batch.History)
            {
                RunStory run = runs[row.Run];
                if (row.Position != run.Inputs.Count)
                {
                    wrong.Add($"{run.Key}: input {row.Position} follows {run.Inputs.Count} inputs");
                }

                run.Inputs.Add(new Input(row, committed.Order));
            }

            foreach (HistoryRow row in committed.Batch.Decided)
            {
                Input? input = runs[row.Run].Inputs.ElementAtOrDefault(row.Position);
                if (input?.Asks is not null)
                {
                    wrong.Add($"{runs[row.Run].Key}: input {row.Position} was decided twice");
                }

                input?.Decide(row, committed.Order);
            }
        }

        return new Story(runs, wrong);
    }
}

/// <summary>One run, as it was committed.</summary>
internal sealed class RunStory(FlowRow row, long order)
{
    public FlowRow Row => row;

    public FlowKey Key => row.Key;

    public long StartOrder => order;

    public List<Input> Inputs { get; } = [];

    public List<(long Order, FlowState State)> States { get; } = [(order, row.State)];

    public FlowState State => States[^1].State;

    /// <summary>The input whose turn ended it; null while it is open.</summary>
    public Input? End => Inputs.Find(i => i.Lines.Any(l => l.StartsWith('=')));

    public bool WasStuck => States.Exists(s => s.State.Status == FlowStatus.Stuck);

    public bool PassedPivot => Inputs.Exists(i => i.Lines.Contains("P"));

    /// <summary>Whether an input came undecided, and was for an ask that one before it withdrew when they were decided, or for a run that one before it ended.</summary>
    public bool CameLate(Input input)
        => input is { WasUndecided: true, Asks: not null, Row.Kind: InputKind.EventReceived }
            && Inputs.TakeWhile(i => i != input).Any(i => i.Lines.Any(l => l[0] == '=' || l == $"-{input.Row.Ask}"));

    /// <summary>What it asked for, in the order of the asks' numbers.</summary>
    public List<AskStory> Asks()
    {
        List<AskStory> asks = [];
        foreach (Input input in Inputs)
        {
            asks.AddRange(input.Lines.Where(l => l.Length > 2 && l[1] == ' ').Select(l => new AskStory(l[0], l[2..], input)).ToList());
        }

        return asks;
    }

    /// <summary>Whether this status was ever the answer to a look at the store before some moment.</summary>
    public bool HadEndedBy(long moment) => End is { } end && end.DecidedOrder < moment;
}

/// <summary>One thing that a run asked for.</summary>
internal sealed record AskStory(char Kind, string Name, Input In);

/// <summary>One input of a run.</summary>
internal sealed class Input(HistoryRow row, long order)
{
    public HistoryRow Row { get; } = row;

    public long Order => order;

    /// <summary>When its turn was committed; not at all while it is undecided.</summary>
    public long DecidedOrder { get; private set; } = row.Asks is null ? long.MaxValue : order;

    public string? Asks { get; private set; } = row.Asks;

    public byte[]? Result { get; private set; } = row.Result;

    public bool WasUndecided => DecidedOrder != order;

    public IEnumerable<string> Lines => string.IsNullOrEmpty(Asks) ? [] : Asks.Split('\n');

    public void Decide(HistoryRow decided, long at)
    {
        Asks = decided.Asks;
        Result = decided.Result;
        DecidedOrder = at;
    }

    /// <summary>The error that a failure carries.</summary>
    public (string Kind, string Type, bool? Happened) Error()
    {
        using var json = JsonDocument.Parse(Row.Payload!);
        JsonElement kind = Get(json.RootElement, "kind")!.Value;
        JsonElement? happened = Get(json.RootElement, "happened");
        return (kind.ValueKind == JsonValueKind.Number ? ((ErrorKind)kind.GetInt32()).ToString() : kind.GetString()!, Get(json.RootElement, "type")!.Value.GetString()!,
            happened is { ValueKind: JsonValueKind.True or JsonValueKind.False } known ? known.GetBoolean() : null);
    }

    private static JsonElement? Get(JsonElement json, string name)
        => json.EnumerateObject().Where(p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(p => (JsonElement?)p.Value).FirstOrDefault();
}
