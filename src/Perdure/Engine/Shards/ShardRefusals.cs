using Perdure.Diagnostics;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>What the store refuses of a shard's batch: it is found by committing the batch in parts, and whose it was is remembered until that is read again.</summary>
internal sealed class ShardRefusals(Shard shard)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly Dictionary<long, string> _runs = [];
    private readonly Dictionary<string, string> _calls = new(StringComparer.Ordinal);

    /// <summary>Why the store refused what a flow wanted to write; asked once, when the flow is read again.</summary>
    public string? TakeRefused(long run) => _runs.Remove(run, out string? reason) ? reason : null;

    /// <summary>Why the store refused what a call of a client on another node led to; asked once, when the call is read again.</summary>
    public string? TakeRefusedCall(string call) => _calls.Remove(call, out string? reason) ? reason : null;

    public void ForgetRuns() => _runs.Clear();

    /// <summary>Commits what the store does take of a batch that it refused, flow by flow, and starts over.</summary>
    public void AfterRefusal(ShardBatch batch, string reason)
    {
        shard.Recovery.Pause();
        _ = CommitPartsAsync(batch, reason);
    }

    private async Task CommitPartsAsync(ShardBatch batch, string reason)
    {
        List<long> refused = [];
        List<string> calls = [];
        string message = reason;
        try
        {
            long number = batch.Number;
            foreach ((long run, ShardBatch part) in BatchParts.ByRun(batch))
            {
                part.Number = number;
                CommitAnswer answer = await CommitAsync(part);
                if (answer.Outcome == CommitOutcome.Committed)
                {
                    number++;
                }
                else if (answer.Outcome == CommitOutcome.Refused)
                {
                    int before = calls.Count;
                    calls.AddRange(part.ReceivedByJobs.Select(r => r.Id).Where(InboxId.IsCall));
                    if (calls.Count == before || part.NewJobs.Count == 0) // of new jobs their call hears
                    {
                        refused.Add(run);
                    }

                    message = answer.Reason ?? reason;
                }
                else
                {
                    break; // fenced: the takeover finds out what is there
                }
            }
        }
        catch (Exception e)
        {
            message = $"{reason}; then: {e.Message}";
        }

        shard.Post(new RefusalResolved(refused, calls, message));
    }

    private async Task<CommitAnswer> CommitAsync(ShardBatch part)
    {
        while (true)
        {
            CommitAnswer answer = (await shard.Node.Store.CommitAsync([part], CancellationToken.None))[0];
            if (answer.Outcome != CommitOutcome.NotNow)
            {
                return answer;
            }

            await shard.Node.Seams.Delay(Pause, CancellationToken.None);
        }
    }

    /// <summary>It is known which flows the store refuses.</summary>
    private sealed class RefusalResolved(List<long> runs, List<string> calls, string reason) : Message
    {
        public override void Handle()
        {
            if (Shard.Recovery.IsElsewhere)
            {
                return;
            }

            runs.ForEach(run => Shard.Refusals._runs[run] = reason);
            calls.ForEach(call => Shard.Refusals._calls[call] = reason);
            Shard.Recovery.Begin(new StoreException(ErrorCodes.StoreRefused, $"the store refused a value: {reason}"));
        }
    }
}
