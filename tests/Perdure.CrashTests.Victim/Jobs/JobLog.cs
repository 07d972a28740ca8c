using System.Globalization;
using System.Text;

namespace Perdure.CrashTests.Victim.Jobs;

/// <summary>What callers of jobs were told, and what handlers did, one line each, in a file per process. A line survives the process that wrote it.</summary>
internal sealed class JobLog(string folder, int life) : IDisposable
{
    private readonly FileStream _file = new(PathOf(folder, life), FileMode.Create, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
    private readonly Lock _lock = new();
    private readonly HashSet<string> _redriven = [.. Read(folder, life).Where(l => l.Verb == JobVerb.Redriven).Select(l => l.Name)];

    public int Life => life;

    /// <summary>What the processes before this one wrote.</summary>
    public List<JobLine> Before { get; } = Read(folder, life);

    /// <summary>Whether somebody has redriven a job, or was about to.</summary>
    public bool IsRedriven(string name)
    {
        lock (_lock)
        {
            return _redriven.Contains(name);
        }
    }

    public static List<JobLine> Read(string folder, int before = int.MaxValue)
    {
        List<JobLine> lines = [];
        for (int life = 0; life < before && File.Exists(PathOf(folder, life)); life++)
        {
            string text = File.ReadAllText(PathOf(folder, life));
            lines.AddRange(text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JobLine.Parse(life, l)));
        }

        return lines;
    }

    public void Write(JobVerb verb, VictimJob job)
    {
        lock (_lock)
        {
            if (verb == JobVerb.Redriven)
            {
                _redriven.Add(job.Name);
            }

            _file.Write(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{verb}\t{job.Name}\t{job.Lane}\t{job.Number}\n")));
        }
    }

    public void Dispose() => _file.Dispose();

    private static string PathOf(string folder, int life) => Path.Combine(folder, $"jobs-{life.ToString(CultureInfo.InvariantCulture)}.log");
}

/// <summary>What a line says of a job.</summary>
internal enum JobVerb
{
    /// <summary>A caller was told that it is durable.</summary>
    Made,

    /// <summary>A caller asks for its cancel, and may be killed before it is told.</summary>
    Cancelling,

    /// <summary>A caller was shown it as cancelled.</summary>
    Cancelled,

    /// <summary>An attempt began.</summary>
    Began,

    /// <summary>An attempt did it; of a leased job, its worker was told so.</summary>
    Done,

    /// <summary>A worker is about to report a leased job as done.</summary>
    Reporting,

    /// <summary>Somebody is about to redrive a dead letter that failed.</summary>
    Redriven,

    /// <summary>Somebody is about to redrive a dead letter that was blamed for deaths; it is in its lane, and known by its id alone.</summary>
    Blamed,
}

/// <summary>A line of a log of jobs.</summary>
internal sealed record JobLine(int Life, JobVerb Verb, string Name, string Lane, int Number)
{
    public static JobLine Parse(int life, string line)
    {
        string[] parts = line.Split('\t');
        return new JobLine(life, Enum.Parse<JobVerb>(parts[0]), parts[1], parts[2], int.Parse(parts[3], CultureInfo.InvariantCulture));
    }
}
