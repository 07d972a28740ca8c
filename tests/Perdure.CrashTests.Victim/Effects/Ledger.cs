using System.Globalization;
using System.Text;

namespace Perdure.CrashTests.Victim.Effects;

/// <summary>What happened outside the engine, one line each, in a file per process: what steps did, and what callers were told.</summary>
/// <remarks>A line is with the operating system before <see cref="Write"/> returns, so it survives the process; an effect is on disk.</remarks>
internal sealed class Ledger : IDisposable
{
    private readonly FileStream _file;
    private readonly Lock _lock = new();
    private readonly int _life;
    private int _sequence;

    /// <summary>Begins the ledger of a process.</summary>
    /// <param name="folder">Where the ledgers are.</param>
    /// <param name="life">Counts the processes on one store.</param>
    public Ledger(string folder, int life)
    {
        _life = life;
        _file = new FileStream(PathOf(folder, life), FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        long microseconds = (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        Write(LedgerVerb.Began, "", "", detail: microseconds.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Reads all lines of all processes before one, in their order. A last line that was cut off never happened.</summary>
    public static List<LedgerLine> Read(string folder, int before = int.MaxValue)
    {
        List<LedgerLine> lines = [];
        foreach (int life in LivesIn(folder).Where(l => l < before).Order())
        {
            string text = File.ReadAllText(PathOf(folder, life));
            int end = text.LastIndexOf('\n');
            if (end >= 0)
            {
                lines.AddRange(text[..end].Split('\n').Select(line => LedgerLine.Parse(life, line)));
            }
        }

        return lines;
    }

    /// <summary>Writes down what a step, or a caller, did.</summary>
    public LedgerLine Write(LedgerVerb verb, string flow, string name, string key = "", int attempt = 0, string detail = "")
    {
        lock (_lock)
        {
            LedgerLine line = new(_life, _sequence++, verb, flow, name, key, attempt, detail);
            _file.Write(Encoding.UTF8.GetBytes(line.Format() + '\n'));
            if (verb is LedgerVerb.Do or LedgerVerb.Undo)
            {
                _file.Flush(flushToDisk: true);
            }

            return line;
        }
    }

    public void Dispose() => _file.Dispose();

    /// <summary>A process that was killed early has no ledger.</summary>
    private static IEnumerable<int> LivesIn(string folder)
        => Directory.EnumerateFiles(folder, "ledger-*.log").Select(f => int.Parse(Path.GetFileNameWithoutExtension(f).AsSpan("ledger-".Length), CultureInfo.InvariantCulture));

    private static string PathOf(string folder, int life) => Path.Combine(folder, $"ledger-{life.ToString(CultureInfo.InvariantCulture)}.log");
}

/// <summary>What a line of a ledger says.</summary>
internal enum LedgerVerb
{
    /// <summary>The process began, at this time in microseconds.</summary>
    Began,

    /// <summary>An attempt of a step began.</summary>
    Try,

    /// <summary>A step had its effect.</summary>
    Do,

    /// <summary>A step's effect was undone.</summary>
    Undo,

    /// <summary>A start was acknowledged.</summary>
    Started,

    /// <summary>A signal was acknowledged, or refused since the flow had ended.</summary>
    Signalled,

    /// <summary>A cancel was answered.</summary>
    Cancelled,

    /// <summary>A terminate was acknowledged, or refused since the flow had ended.</summary>
    Terminated,

    /// <summary>The cause that keeps a flow stuck is gone.</summary>
    Repaired,

    /// <summary>A flow that was stuck since the process died while it ran was put back to work.</summary>
    Retried,

    /// <summary>Something that must never be seen.</summary>
    Wrong,
}

/// <summary>A line of a ledger.</summary>
/// <param name="Life">Which process.</param>
/// <param name="Sequence">Its place in that process.</param>
/// <param name="Verb">What happened.</param>
/// <param name="Flow">The flow's id.</param>
/// <param name="Name">The step, or the signal.</param>
/// <param name="Key">The step's idempotency key.</param>
/// <param name="Attempt">The attempt's number.</param>
/// <param name="Detail">What the flow's code handed to the step, or what the caller was told.</param>
internal sealed record LedgerLine(int Life, int Sequence, LedgerVerb Verb, string Flow, string Name, string Key, int Attempt, string Detail)
{
    public static LedgerLine Parse(int life, string line)
    {
        string[] parts = line.Split('\t');
        return new LedgerLine(life, int.Parse(parts[0], CultureInfo.InvariantCulture), Enum.Parse<LedgerVerb>(parts[1]), parts[2], parts[3], parts[4], int.Parse(parts[5], CultureInfo.InvariantCulture), parts[6]);
    }

    public string Format() => string.Create(CultureInfo.InvariantCulture, $"{Sequence}\t{Verb}\t{Flow}\t{Name}\t{Key}\t{Attempt}\t{Detail}");

    public override string ToString() => $"process {Life}: {Format()}";
}
