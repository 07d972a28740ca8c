using Perdure.Cluster;
using Perdure.Engine;
using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>
/// Ends of jobs that are kept: they are looked up, made jobs again, discarded, and forgotten when their time is over.
/// <list type="bullet">
/// <item>Ends live in the store alone. A call claims the numbers first and reads when all that was decided before is durable, so it sees each end as it is,
/// and no other call touches it meanwhile: nothing is redriven twice.</item>
/// <item>An end that is written while the ends to be forgotten are read is not forgotten with them.</item>
/// </list>
/// </summary>
internal sealed class Ends(Home home)
{
    private const int ForgottenAtOnce = 1_000;

    private readonly HashSet<long> _claimed = [];
    private readonly HashSet<long> _endedSince = [];
    private readonly HashSet<EndsCall> _reading = [];
    private bool _forgetting;

    /// <summary>Does something to ends.</summary>
    public void Take(EndsCall call)
    {
        call.Numbers.RemoveAll(n => home.Find(n) is not null || !_claimed.Add(n));
        _reading.Add(call);
        home.Shard.Commits.Then(new ReadEnds(this, call));
    }

    /// <summary>The ends were read.</summary>
    public void Apply(EndsCall call, IReadOnlyList<JobEndRow?> ends, IReadOnlyList<byte[]?> payloads, PerdureException? error)
    {
        if (!_reading.Contains(call))
        {
            return; // it was read anew meanwhile, or went elsewhere
        }

        for (int i = 0; i < ends.Count; i++)
        {
            call.Apply(ends[i], payloads[i]);
        }

        Unclaim(call);
        call.Answer(error);
    }

    /// <summary>After a takeover: calls from other nodes come again through the inbox.</summary>
    public void Begin() => _reading.Where(c => c.Call is not null).ToList().ForEach(Unclaim);

    /// <summary>The home lives elsewhere: what was to be read is asked there.</summary>
    /// <returns>Who asked for it.</returns>
    public List<HomeAsk> TakeAll()
    {
        List<HomeAsk> all = [.. _reading];
        _reading.Clear();
        _claimed.Clear();
        _forgetting = false;
        return all;
    }

    /// <summary>Makes a job again of one that has ended: it keeps its id and its history, and gets fresh attempts.</summary>
    public void Redrive(JobEndRow end, byte[] payload, string? key, DateTimeOffset? notBefore)
    {
        DateTimeOffset now = home.Shard.Now();
        JobMore more = JobMore.Read(end.More) ?? new JobMore();
        DateTimeOffset begins = notBefore > now ? notBefore.Value : now; // its place among those that are spread may be over by now
        more.ExpireAt = more.ExpireAt is { } expireAt ? StoredTimes.Up(begins, expireAt - (more.RedrivenAt ?? end.CreatedAt)) : null;
        more.RedrivenAt = now;
        more.Subscribers = null;
        more.LostLeases = 0;
        if (more.Event is { } about)
        {
            about.HasRow = true;
        }

        (more.Done, more.Text) = (null, null);
        if (more.Dedup is { } dedup && home.Dedups.Find(end.Queue, end.Type, dedup) is not null)
        {
            more.Dedup = null; // another one has come meanwhile, and is the one to join
        }

        var job = new Job(end.Number, home.Queues.Intern(end.Queue), home.Queues.Intern(end.Type))
        {
            Key = key,
            Priority = end.Priority,
            CreatedAt = end.CreatedAt,
            NotBefore = begins > now ? StoredTimes.Up(begins) : default,
            More = more,
            Payload = payload,
        };
        home.Batch.NewJobs.Add(new JobRow(job.Number, home.Shard.Index, job.Queue, job.Type, job.CreatedAt) { Key = key, Payload = payload, State = job.State });
        Forget(job.Number);
        home.Add(job);
        home.Place(job, now);
    }

    public void Forget(long number) => home.Batch.ForgottenJobs.Add(number);

    /// <summary>A job has ended, and its end is kept.</summary>
    public void Kept(long number)
    {
        if (home.Batch.ForgottenJobs.Count > 0)
        {
            home.Batch.ForgottenJobs.Remove(number); // it was redriven in the same batch
        }

        if (_forgetting)
        {
            _endedSince.Add(number);
        }
    }

    /// <summary>Forgets the ends that were kept long enough.</summary>
    public void ForgetOld()
    {
        if (!_forgetting)
        {
            _forgetting = true;
            _endedSince.Clear();
            _ = ReadForgettableAsync(home.Shard.Now());
        }
    }

    /// <summary>It is known which ends are to be forgotten.</summary>
    public void ForgetOld(IReadOnlyList<long> numbers)
    {
        _forgetting = false;
        List<long> old = [.. numbers.Where(n => !_endedSince.Contains(n) && !_claimed.Contains(n))];
        old.ForEach(Forget);
        if (numbers.Count == ForgottenAtOnce && old.Count > 0)
        {
            home.Shard.Commits.Then(new ActionEffect(() => home.Shard.Post(new ForgetOldEnds()))); // once these are gone
        }
    }

    private void Unclaim(EndsCall call)
    {
        if (_reading.Remove(call))
        {
            _claimed.ExceptWith(call.Numbers);
        }
    }

    private async Task ReadForgettableAsync(DateTimeOffset until)
    {
        IReadOnlyList<long> numbers = [];
        try
        {
            numbers = await home.Node.Store.ReadForgettableAsync(home.Shard.Index, until, ForgottenAtOnce, CancellationToken.None);
        }
        catch (Exception e)
        {
            home.Node.Log.ReadFailed(e);
        }

        home.Shard.Post(new ForgettableWereRead(numbers));
    }

    /// <summary>Reads ends once all that was decided before is durable.</summary>
    private sealed class ReadEnds(Ends ends, EndsCall call) : IEffect
    {
        public void Release() => _ = ReadAsync(call.Shard);

        public void Lost(PerdureException reason)
        {
            ends.Unclaim(call);
            call.Fail(reason);
        }

        private async Task ReadAsync(Shard shard)
        {
            try
            {
                IReadOnlyList<JobEndRow?> rows = await shard.Node.Store.ReadJobEndsAsync(shard.Index, call.Numbers, CancellationToken.None);
                IReadOnlyList<byte[]?> payloads = call.NeedsPayloads
                    ? await shard.Node.Store.ReadPayloadsAsync(shard.Index, call.Numbers, CancellationToken.None)
                    : new byte[]?[rows.Count];
                shard.Post(new EndsWereRead(call, rows, payloads, error: null));
            }
            catch (Exception e)
            {
                shard.Post(new EndsWereRead(call, [], [], e as PerdureException ?? new StoreException(Diagnostics.ErrorCodes.StoreFailed, e.Message, e)));
            }
        }
    }
}

/// <summary>What a client does to ends of jobs. The answer is to how many.</summary>
internal abstract class EndsCall(List<long> numbers) : HomeCall<int>
{
    public override string What => $"changing the ends of {numbers.Count} jobs";

    public List<long> Numbers => numbers;

    public virtual bool NeedsPayloads => false;

    protected int Count { get; set; }

    public abstract void Apply(JobEndRow? end, byte[]? payload);

    public void Answer(PerdureException? error)
    {
        if (error is null)
        {
            AnswerThen(Count);
        }
        else if (Call is null)
        {
            Fail(error);
        }
        else
        {
            RefuseThen(error);
        }
    }

    protected override void Deliver() => Home.Ends.Take(this);
}

/// <summary>Makes dead letters of a queue jobs again, one after the other where they are spread.</summary>
internal sealed class RedriveJobs(string queue, List<long> numbers, Dictionary<long, DateTimeOffset>? times, EditedJob? edit) : EndsCall(numbers)
{
    public override bool NeedsPayloads => true;

    protected override CallText Text => CallText.Of("redrive", (queue, Numbers, times, edit));

    protected override IReadOnlyList<long> Took => Numbers;

    public override void Apply(JobEndRow? end, byte[]? payload)
    {
        if (end is { Status: JobStatus.Failed } && end.Queue == queue && (payload is not null || edit is not null))
        {
            Home.Ends.Redrive(end, edit?.Payload ?? payload!, edit?.Key ?? end.Key, times?[end.Number]);
            Count++;
        }
    }
}

/// <summary>Forgets dead letters of a queue.</summary>
internal sealed class DiscardJobs(string queue, List<long> numbers) : EndsCall(numbers)
{
    protected override CallText Text => CallText.Of("discard", (queue, Numbers));

    public override void Apply(JobEndRow? end, byte[]? payload)
    {
        if (end is { Status: JobStatus.Failed } && end.Queue == queue)
        {
            Home.Ends.Forget(end.Number);
            Count++;
        }
    }
}

/// <summary>Ends that a call wants were read.</summary>
internal sealed class EndsWereRead(EndsCall call, IReadOnlyList<JobEndRow?> ends, IReadOnlyList<byte[]?> payloads, PerdureException? error) : HomeMessage
{
    public override void Fail(PerdureException reason) => call.Fail(reason);

    protected override void Deliver() => Home.Ends.Apply(call, ends, payloads, error);
}

/// <summary>The time has come to look for ends that were kept long enough.</summary>
internal sealed class ForgetOldEnds : HomeMessage
{
    protected override void Deliver() => Home.Ends.ForgetOld();
}

internal sealed class ForgettableWereRead(IReadOnlyList<long> numbers) : HomeMessage
{
    protected override void Deliver() => Home.Ends.ForgetOld(numbers);
}
