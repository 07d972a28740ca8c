namespace Perdure.CrashTests.Checks;

/// <summary>A run's history, told by what it asked for and what came back.</summary>
internal sealed class Story
{
    public Story(StoredRun run)
    {
        Run = run;
        foreach (StoredInput input in run.History)
        {
            if (input.Ask >= 0)
            {
                Answers.Add((input, input.Ask < Asks.Count ? Asks[input.Ask] : null));
                if (input.Ask < Asks.Count)
                {
                    Asks[input.Ask].Answers.Add(input);
                }
            }

            foreach (string line in input.Lines)
            {
                Read(line, input);
            }
        }
    }

    public StoredRun Run { get; }

    public List<StoredAsk> Asks { get; } = [];

    /// <summary>The inputs that answer an ask, with the ask; null where there is none of that number yet.</summary>
    public List<(StoredInput Input, StoredAsk? Ask)> Answers { get; } = [];

    /// <summary>The rows that say that the flow ended, and how.</summary>
    public List<(StoredInput Input, string Status)> Ends { get; } = [];

    /// <summary>Lines that cannot be read, or that withdraw what was never asked for.</summary>
    public List<string> Riddles { get; } = [];

    public IEnumerable<StoredAsk> Steps => Asks.Where(a => a.Kind == StoredAsk.Step);

    private void Read(string line, StoredInput input)
    {
        if (line.Length > 2 && line[1] == ' ')
        {
            Asks.Add(new StoredAsk(Asks.Count, line[0], line[2..], input));
        }
        else if (line[0] == '=')
        {
            Ends.Add((input, line[1..]));
        }
        else if (line[0] == '-' && int.TryParse(line.AsSpan(1), out int number) && number < Asks.Count)
        {
            Asks[number].Withdrawals.Add(input);
        }
        else if (line[0] == '+' && int.TryParse(line.AsSpan(1), out int taken) && taken < Asks.Count && Asks[taken].Kind == StoredAsk.Signal)
        {
            Asks[taken].Withdrawals.Add(input); // a signal that had come before answered it at once
        }
        else if (line != "P")
        {
            Riddles.Add(line);
        }
    }
}

/// <summary>One thing that a flow asked for.</summary>
internal sealed record StoredAsk(int Number, char Kind, string Name, StoredInput Asked)
{
    public const char Step = 'S';
    public const char Undo = 'U';
    public const char Timer = 'T';
    public const char Signal = 'W';
    public const char Region = 'L';
    public const char Child = 'C';
    public const char DetachedChild = 'D';

    public List<StoredInput> Answers { get; } = [];

    public List<StoredInput> Withdrawals { get; } = [];

    public bool IsWork => Kind is Step or Undo or Child;

    public StoredInput? Answer => Answers.FirstOrDefault();

    public bool IsCompleted => Answer?.Kind == StoredInput.Completed;

    public override string ToString() => $"ask {Number} ({Kind} {Name})";
}
