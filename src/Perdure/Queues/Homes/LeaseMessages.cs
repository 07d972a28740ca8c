using System.Text.Json;
using Perdure.Cluster;

namespace Perdure.Queues;

/// <summary>A worker outside waits for jobs of a queue.</summary>
internal sealed class PullJobs(string queue, string worker, int max, TimeSpan wait) : HomeCall<List<LeasedRow>>
{
    public override string What => $"a pull from queue {queue}";

    public string Queue => queue;

    public string Worker => worker;

    /// <summary>How long it waits; infinite for always.</summary>
    public TimeSpan Patience => wait;

    /// <summary>Until when it waits; null for always.</summary>
    public DateTimeOffset? Until { get; set; }

    /// <summary>Larger for pulls that came later.</summary>
    public long Order { get; set; }

    /// <summary>Where it waits; null when it does not.</summary>
    public LinkedListNode<PullJobs>? Place { get; set; }

    /// <summary>What it was given.</summary>
    public List<LeasedRow> Jobs { get; } = [];

    public int Room => max - Jobs.Count;

    public override object Wait => this;

    /// <summary>What it was given while its worker withdrew it must be given back.</summary>
    public override bool IsAlwaysAnswered => true;

    protected override CallText Text => CallText.Of("pull", (queue, worker, max, wait));

    protected override IReadOnlyList<long> Took => Jobs.ConvertAll(j => j.Number);

    public override void Lost(PerdureException reason) => Home.Leases.PutBack(this);

    public override void Withdrawn()
    {
        Home.Leases.Stop(this);
        if (Call is not null)
        {
            Jobs.Clear();
            AnswerThen(Jobs);
        }
    }

    public override void Leave()
    {
        base.Leave();
        if (Task.IsCompletedSuccessfully)
        {
            GiveBack(Task.Result);
        }
    }

    protected override List<LeasedRow> AnswerIn(byte[] json)
    {
        List<LeasedRow> jobs = base.AnswerIn(json);
        if (HasLeft)
        {
            GiveBack(jobs);
        }

        return jobs;
    }

    protected override void Deliver() => Home.Leases.Take(this);

    private void GiveBack(List<LeasedRow> jobs) => jobs.ForEach(j => Shard.Post(new ReleaseLeased(j.Number, j.Token)));
}

/// <summary>A job that a worker got, and its right to it.</summary>
internal sealed record LeasedRow(long Number, string Queue, string Type, string? Key, int Attempt, byte[]? Payload, Guid Token, DateTimeOffset Until)
{
    public JsonElement? Saved { get; init; }

    public string? TraceParent { get; init; }

    public DateTimeOffset? ScheduledFor { get; init; }
}

/// <summary>A worker says what came of a job. The answer is whether it held it.</summary>
internal sealed class ReportLeased(long number, Guid token, JobReport report) : HomeCall<bool>
{
    public override string What => $"the outcome of job {number:x}";

    protected override CallText Text => CallText.Of("report", (number, token, SentReport.Of(report)));

    protected override IReadOnlyList<long> Took => [number];

    protected override void Deliver() => AnswerThen(Home.Leases.Report(number, token, report));
}

/// <summary>A worker gives a job back. The answer is whether it held it.</summary>
internal sealed class ReleaseLeased(long number, Guid token) : HomeCall<bool>
{
    public override string What => $"the release of job {number:x}";

    protected override CallText Text => CallText.Of("release", (number, token));

    protected override IReadOnlyList<long> Took => [number];

    protected override void Deliver() => AnswerThen(Home.Leases.Release(number, token));
}

/// <summary>A worker is still at work. The answer is until when it holds the job; null when it is to stop.</summary>
internal sealed class RenewLease(long number, Guid token, JobNote? note) : HomeCall<DateTimeOffset?>
{
    public override string What => $"the lease on job {number:x}";

    protected override CallText Text => CallText.Of("renew", (number, token, note));

    protected override IReadOnlyList<long> Took => [number];

    protected override void Deliver() => AnswerThen(Home.Leases.Renew(number, token, note));
}
