using Perdure.Engine;
using Perdure.Queues;
using Perdure.Storage;

namespace Perdure.Picture;

/// <summary>Makes one picture of rows: what a flow asked for and what came of it become one entry, and each entry comes under its cause.</summary>
internal sealed class TransactionBuilder
{
    private readonly TransactionRows _rows;
    private readonly List<TransactionEntry> _entries = [];
    private readonly Dictionary<(string Delivery, int Generation), TransactionEntry> _jobsOfEvents = [];

    private TransactionBuilder(TransactionRows rows) => _rows = rows;

    public static BusinessTransaction Build(string correlationId, TransactionRows rows)
    {
        var builder = new TransactionBuilder(rows);
        builder.AddJobs();
        builder.AddEvents();
        builder.AddFlows();
        return new BusinessTransaction(correlationId, EntryTree.Sort(builder._entries));
    }

    private void AddJobs()
    {
        foreach (JobRow row in _rows.Jobs)
        {
            AddJob(JobInfos.Of(row), row.State.More);
        }

        foreach (JobEndRow row in _rows.JobEnds)
        {
            AddJob(JobInfos.Of(row), row.More);
        }
    }

    private void AddJob(JobInfo job, byte[]? more)
    {
        JobMore? about = JobMore.Read(more);
        var entry = new TransactionEntry(CauseText.Job(job.Id), TransactionEntryKind.Job, job.Type, job.Queue, job.CreatedAt)
        {
            Cause = about?.Cause,
            Key = job.Key,
            Status = StatusOf(job.Status),
            EndedAt = job.EndedAt,
            FailedAttempts = job.Attempts,
            Error = job.Error ?? (job is { EndedAt: null, Errors: [.., { } last] } ? last.Error : null),
        };
        if (about?.Event is { } of)
        {
            _jobsOfEvents[(CauseText.Delivery(CauseText.Event(of.Topic, of.Position), job.Queue), of.Generation)] = entry; // it is a delivery that has to be remembered
        }
        else
        {
            _entries.Add(entry);
        }
    }

    private void AddEvents()
    {
        ILookup<(string Topic, long Position), DeliveryRow> deliveries = _rows.Deliveries.ToLookup(d => (d.Topic, d.Position));
        foreach (EventRow row in _rows.Events)
        {
            var entry = new TransactionEntry(CauseText.Event(row.Topic, row.Position), TransactionEntryKind.Event, row.Type, row.Topic, row.PublishedAt)
            {
                Cause = row.Cause,
                Key = row.Key,
                Status = TransactionEntryStatus.Completed,
                EndedAt = row.PublishedAt,
                Fate = row.State.Fate == EventFate.None ? null : row.State.Fate,
            };
            _entries.Add(entry);
            AddDeliveries(entry, row, [.. deliveries[(row.Topic, row.Position)]]);
        }
    }

    private void AddDeliveries(TransactionEntry published, EventRow row, List<DeliveryRow> done)
    {
        List<(string Subscription, int Generation)> wanted = [.. done.Select(d => (d.Subscription, d.Generation)).Union(_rows.PendingOf(row)).OrderBy(d => d.Generation)];
        foreach (IGrouping<string, int> subscription in wanted.GroupBy(d => d.Subscription, d => d.Generation))
        {
            int times = 0;
            foreach (int generation in subscription)
            {
                times++;
                string id = CauseText.Delivery(published.Id, subscription.Key);
                TransactionEntry? job = _jobsOfEvents.GetValueOrDefault((id, generation));
                _entries.Add(Delivery(published, subscription.Key, done.Find(d => d.Subscription == subscription.Key && d.Generation == generation), job) with { Id = times == 1 ? id : $"{id}~{times}" });
            }
        }
    }

    /// <param name="published">The event.</param>
    /// <param name="subscription">Who handles it.</param>
    /// <param name="row">What came of it; null for nothing yet.</param>
    /// <param name="job">The job that it goes on as, or ended as; null for none that is kept.</param>
    private static TransactionEntry Delivery(TransactionEntry published, string subscription, DeliveryRow? row, TransactionEntry? job)
    {
        var entry = new TransactionEntry("", TransactionEntryKind.Delivery, subscription, subscription, published.At)
        {
            Cause = published.Id,
            Status = job?.Status ?? TransactionEntryStatus.Waiting,
            StartedAt = row?.StartedAt,
            EndedAt = job?.EndedAt,
            Waited = row?.StartedAt - published.At,
            FailedAttempts = Math.Max(row?.Attempts ?? 0, job?.FailedAttempts ?? 0),
            Error = job?.Error,
        };
        return row is null or { Status: JobStatus.Waiting } ? entry : entry with
        {
            Status = StatusOf(row.Status),
            EndedAt = row.EndedAt,
            Worked = row.EndedAt - row.StartedAt,
        };
    }

    private void AddFlows()
    {
        List<FlowAskEntry> asked = [];
        foreach (StoredFlow stored in _rows.Flows)
        {
            List<FlowAskEntry> asks = [.. FlowEntries.Asks(stored)];
            List<TransactionEntry> entries = asks.ConvertAll(a => a.Entry);
            Undos.Pair(entries);
            asked.AddRange(asks.Select((a, i) => a with { Entry = entries[i] }));
            _entries.Add(FlowEntries.Run(stored, entries));
        }

        AddStartedHandlers();
        Dictionary<string, int> came = [];
        for (int i = 0; i < _entries.Count; i++)
        {
            came[_entries[i].Cause ?? ""] = i;
        }

        foreach (FlowAskEntry ask in WithEvents(asked))
        {
            if (CanCome(ask.Entry.Kind) && came.TryGetValue(ask.Entry.Id, out int i))
            {
                _entries[i] = _entries[i] with { At = ask.Entry.At, IsAwaited = ask.Entry.IsAwaited }; // it says more than what was asked for
            }
            else
            {
                _entries.Add(ask.Entry);
            }
        }
    }

    /// <summary>Handlers that have caused something, and are not done.</summary>
    private void AddStartedHandlers()
    {
        Dictionary<string, TransactionEntry> known = _entries.GroupBy(e => e.Id).ToDictionary(g => g.Key, g => g.First());
        foreach (string cause in _entries.Select(e => e.Cause).OfType<string>().Where(c => !known.ContainsKey(c)).Distinct().ToList())
        {
            int at = cause.IndexOf('@', StringComparison.Ordinal);
            while (at > 0 && !known.ContainsKey(cause[..at]))
            {
                at = cause.IndexOf('@', at + 1); // one of the topic's name
            }

            if (at > 0 && known[cause[..at]] is { Kind: TransactionEntryKind.Event } published)
            {
                _entries.Add(new TransactionEntry(cause, TransactionEntryKind.Delivery, cause[(at + 1)..], cause[(at + 1)..], published.At)
                {
                    Cause = published.Id,
                    Status = TransactionEntryStatus.Running,
                });
            }
        }
    }

    /// <summary>Gives each wait for an event the event that it got: those of its type and key, in the order in which they came.</summary>
    private IEnumerable<FlowAskEntry> WithEvents(List<FlowAskEntry> asked)
    {
        ILookup<string, TransactionEntry> events = _entries.Where(e => e is { Kind: TransactionEntryKind.Event, Key: not null }).OrderBy(e => e.At).ToLookup(e => $"{e.Name}/{e.Key}");
        HashSet<(string? Flow, string Event)> taken = [];
        return asked.Select(ask => ask is { Kind: AskKind.Event, Entry: { Status: TransactionEntryStatus.Completed } wait }
            && events[wait.Name].FirstOrDefault(e => e.At <= wait.EndedAt && taken.Add((wait.Cause, e.Id))) is { } got
                ? ask with { Entry = wait with { AnsweredBy = got.Id } }
                : ask);
    }

    /// <summary>Whether what was asked for has a row of its own when it comes.</summary>
    private static bool CanCome(TransactionEntryKind kind) => kind is TransactionEntryKind.Child or TransactionEntryKind.Job or TransactionEntryKind.Event;

    private static TransactionEntryStatus StatusOf(JobStatus status) => status switch
    {
        JobStatus.Waiting => TransactionEntryStatus.Waiting,
        JobStatus.Running or JobStatus.Cancelling => TransactionEntryStatus.Running,
        JobStatus.Completed => TransactionEntryStatus.Completed,
        JobStatus.Failed => TransactionEntryStatus.Failed,
        _ => TransactionEntryStatus.Cancelled,
    };
}
