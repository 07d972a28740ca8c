using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Queues;
using Perdure.Storage;

namespace Perdure.Events;

/// <summary>
/// Gives one topic's events to one subscription's queue.
/// <list type="bullet">
/// <item>An event becomes a job in memory; the log and the subscription's cursor stand for it in the store. It gets a job's row only where it must be
/// remembered for itself: when an attempt fails, progress is saved, or it holds up the cursor for too long.</item>
/// <item>Each end of such a job writes a delivery, so that after a crash only what was not done is given again, under the same number.</item>
/// <item>The cursor (<see cref="CursorMemo.Done"/>) is behind all that is not done; <see cref="CursorMemo.Given"/> is never behind a delivery.</item>
/// </list>
/// </summary>
internal sealed class SubscriptionReader(Home home, SubscriptionDefinition definition, TopicLog log, CursorMemo memo)
{
    private const int PageMax = 500;
    private const int SkippedMax = 1_000;
    private const long BytesMax = 8 * 1024 * 1024;

    /// <summary>How far the cursor may stay behind, in windows, before what holds it up gets rows.</summary>
    private const int WindowsMax = 10;

    private readonly HashSet<long> _done = [];
    private readonly SortedDictionary<long, Job> _given = [];
    private readonly HashSet<string> _unknown = new(StringComparer.Ordinal);
    private long _next = memo.Given + 1;
    private long _bytes;
    private int _skipped;
    private bool _changed;
    private bool _reading;
    private int _life;

    public string Subscription => definition.Name;

    public CursorMemo Memo => memo;

    /// <summary>How many events its queue has in memory without rows of their own.</summary>
    public int InMemory => _given.Count;

    private bool HasRoom => _given.Count < definition.Options.ReadAhead && _bytes < BytesMax;

    /// <summary>Goes on with what was given before: what is not done is given again.</summary>
    public void Begin(IReadOnlySet<long> done, IReadOnlyList<EventRow> given)
    {
        _next = memo.Done + 1;
        foreach (EventRow row in given)
        {
            SkipTo(row.Position);
            if (done.Contains(row.Position))
            {
                _next++;
                MarkDone(row.Position);
            }
            else
            {
                Give(row);
            }
        }

        SkipTo(memo.Given + 1);
    }

    /// <summary>Takes as many events as it has room for.</summary>
    public void Fill()
    {
        while (!_reading && _next <= log.Last && HasRoom)
        {
            if (log.Recent(_next) is { } row)
            {
                Give(row);
            }
            else
            {
                Read();
            }
        }

        if (_next - memo.Done > (long)WindowsMax * definition.Options.ReadAhead)
        {
            FreeCursor();
        }
    }

    /// <summary>Writes into the batch how far it has come, if that is due: always together with a delivery, which must not be ahead of it.</summary>
    public void RememberIfChanged()
    {
        if (_changed || _skipped >= SkippedMax)
        {
            Remember();
        }
    }

    /// <summary>A page of the log was read.</summary>
    public void Take(int life, IReadOnlyList<EventRow> rows)
    {
        if (life != _life)
        {
            return; // it was rewound meanwhile
        }

        _reading = false;
        foreach (EventRow row in rows)
        {
            if (row.Position >= _next)
            {
                SkipTo(row.Position);
                Give(row);
            }
        }

        if (rows.Count == 0 && _next <= log.Last && HasRoom)
        {
            Read(); // what is not committed yet cannot be read yet
        }
    }

    /// <summary>A job of the log has ended, or has a row from now on.</summary>
    public void Settled(Job job, EventRef about)
    {
        if (about.Generation == memo.Generation && _given.Remove(about.Position))
        {
            _bytes -= job.Payload?.Length ?? 0;
            MarkDone(about.Position);
            _changed = true;
        }
    }

    /// <summary>Gives the events after a position again, as a new generation; or goes ahead to there.</summary>
    public void Rewind(long done)
    {
        done = Math.Max(done, log.First - 1); // nothing before it is given again: it may still be in memory, and jobs of it must not be withdrawn
        foreach (Job job in _given.Values.Where(j => j.Phase != JobPhase.Running))
        {
            home.Displace(job);
            home.Remove(job);
        }

        foreach (Job job in home.Jobs.Where(j => j.Queue == Subscription && j.Phase != JobPhase.Running && j.More?.Event is { } e && e.Topic == log.Name && e.Position > done).ToList())
        {
            home.Displace(job);
            home.Batch.EndedJobs.Add(job.Number);
            home.Remove(job);
        }

        _given.Clear();
        _done.Clear();
        _bytes = 0;
        _life++;
        _reading = false;
        home.Topics.NextGeneration(memo);
        memo.Done = memo.Given = done;
        _next = done + 1;
        Remember();
    }

    /// <summary>Writes into the batch how far it has come.</summary>
    public void Remember()
    {
        memo.Given = _next - 1;
        home.Queues.Remember(Topics.MemoOf(Subscription, log.Name), memo.Write());
        _changed = false;
        _skipped = 0;
    }

    private void Give(EventRow row)
    {
        _next = row.Position + 1;
        if (!definition.Hears(row.Type, log.Name))
        {
            PassOver(row);
            return;
        }

        QueueOptions policy = home.Queues.Policy(Subscription);
        var job = new Job(Topics.NumberOf(memo, row.Position), home.Queues.Intern(Subscription), home.Queues.Intern(row.Type))
        {
            Key = row.Key,
            Priority = policy.Priority,
            CreatedAt = row.PublishedAt,
            Payload = row.Data,
            More = new JobMore
            {
                Correlation = row.Correlation,
                ExpireAt = policy.ExpireAfter is { } e ? StoredTimes.Up(row.PublishedAt, e) : null,
                Event = definition.About(row, memo.Generation),
            },
        };
        _given.Add(row.Position, job);
        _bytes += row.Data.Length;
        home.Give(job);
    }

    /// <summary>An event that nobody here wants. One whose type is gone may have been wanted by code that was there before: it was renamed, say.</summary>
    private void PassOver(EventRow row)
    {
        MarkDone(row.Position);
        _skipped++;
        if (home.Registry.Events.Find(row.Type) is null && _unknown.Add(row.Type))
        {
            home.Shard.Commits.Then(new ActionEffect(() => home.Node.Log.EventPassedOver(Subscription, EventRef.Name(row.Topic, row.Position), row.Type)));
        }
    }

    /// <summary>Nothing is kept between the next position and this one.</summary>
    private void SkipTo(long position)
    {
        for (; _next < position; _next++)
        {
            if (memo.Done == _next - 1 && _done.Count == 0)
            {
                memo.Done = position - 1; // however long the gap is
                _next = position;
                return;
            }

            MarkDone(_next);
        }
    }

    private void MarkDone(long position)
    {
        if (position != memo.Done + 1)
        {
            _done.Add(position);
            return;
        }

        memo.Done = position;
        while (_done.Count > 0 && _done.Remove(memo.Done + 1))
        {
            memo.Done++;
        }
    }

    /// <summary>Gives rows to the events that hold up the cursor.</summary>
    private void FreeCursor()
    {
        long upTo = _next - ((long)WindowsMax / 2 * definition.Options.ReadAhead);
        foreach (Job job in _given.TakeWhile(g => g.Key < upTo).Select(g => g.Value).ToList())
        {
            home.Topics.GiveRow(job);
        }
    }

    /// <summary>Reads the log on, once all that is decided is durable.</summary>
    private void Read()
    {
        _reading = true;
        int life = _life;
        long after = _next - 1;
        int limit = Math.Min(PageMax, definition.Options.ReadAhead - _given.Count);
        home.Shard.Commits.Then(new ActionEffect(() => _ = ReadAsync(life, after, limit)));
    }

    private async Task ReadAsync(int life, long after, int limit)
    {
        Shard shard = home.Shard;
        try
        {
            shard.Post(new LogRead(this, life, await shard.Node.Store.ReadEventsAsync(shard.Index, log.Name, after, limit, CancellationToken.None)));
        }
        catch (Exception e)
        {
            shard.Node.Log.ReadFailed(e);
            await shard.Node.Seams.Delay(TimeSpan.FromSeconds(1), CancellationToken.None);
            shard.Post(new LogRead(this, life, []));
        }
    }
}

/// <summary>A page of a topic's log was read for a subscription.</summary>
internal sealed class LogRead(SubscriptionReader reader, int life, IReadOnlyList<EventRow> rows) : HomeMessage
{
    protected override void Deliver()
    {
        if (Home.Topics.Has(reader)) // it may be of a life before a reload
        {
            reader.Take(life, rows);
        }
    }
}
