using Fulfilment.Participants;
using Fulfilment.Payment;
using Perdure;

namespace Fulfilment.Ladder;

/// <summary>What a caller of PUT /payments is told.</summary>
/// <param name="Status">200 paid, 202 accepted and done later, 402 a business no, 503 try again yourself.</param>
public sealed record Answer(int Status, string Text);

/// <summary>A charge, as a job.</summary>
public sealed record ChargeCard(string RequestId, string RefId, string Card, decimal Amount) : IJob<Charged>;

public sealed record Charged(string RequestId);

/// <summary>
/// One endpoint in front of a card provider that is slow, down, or of unknown mind, seven times: each rung says what it takes from its caller's
/// shoulders that the one below leaves there.
/// </summary>
public sealed class PaymentLadder(PerdureClient perdure, CardProvider cards)
{
    /// <summary>From here on an answer of the provider is too slow.</summary>
    public static readonly TimeSpan Slow = TimeSpan.FromSeconds(1);

    /// <summary>How long a caller is kept waiting who may be told "later".</summary>
    public static readonly TimeSpan Budget = TimeSpan.FromSeconds(2);

    private const string Provider = "card-provider";
    private const string Fast = "charges-fast";
    private const string Retried = "charges-retried";
    private const string Kept = "charges-kept";
    private const string Pulled = "charges-pulled";
    private const string InReverse = "payments-in-reverse";
    private const string Kindly = "payments-kindly";

    public static void Register(PerdureBuilder perdure)
    {
        perdure.Services.AddSingleton<PaymentLadder>();
        perdure
            .AddDependency(Provider, provider =>
            {
                provider.AtLeast = 2;
                provider.OpenFor = provider.OpenForMax = TimeSpan.FromSeconds(5);
            })
            .AddQueue(Fast, queue => { queue.Dependency = Provider; queue.Timeout = Slow; queue.Retry = Retry.None; })
            .AddQueue(Retried, queue => { queue.Dependency = Provider; queue.Timeout = Slow; queue.Retry = Retry.Fixed(3, TimeSpan.FromSeconds(1)); queue.ExpireAfter = TimeSpan.FromSeconds(5); })
            .AddQueue(Kept, queue => { queue.Timeout = TimeSpan.FromSeconds(30); queue.Retry = Retry.Forever with { StuckAfter = 10_000 }; })
            .AddQueue(Pulled)
            .AddJob<ChargeCard>(Kept)
            .AddJob<Due>(Kindly)
            .AddQueue(InReverse).AddFlowHandler<PayInReverse>(InReverse)
            .AddQueue(Kindly).AddFlowHandler<PayKindly>(Kindly);
        foreach (string queue in (string[])[Fast, Retried, Kept])   // the fourth is for workers outside
        {
            perdure.AddHandler<ChargeCard, Charged>(queue, async (charge, job) => await ChargeAsync(job.Get<CardProvider>(), charge, job));
        }
    }

    /// <summary>V1: a plain call. The caller waits as long as the provider takes, and gets its errors.</summary>
    public async Task<Answer> PlainAsync(Due due, CancellationToken cancellationToken = default)
    {
        try
        {
            await ChargeAsync(cards, Of(due), cancellationToken);
            return Paid;
        }
        catch (CardExpiredException no)
        {
            return new Answer(402, no.Message);
        }
        catch (HttpRequestException e)
        {
            return new Answer(503, e.Message);
        }
    }

    /// <summary>V2: a breaker. It fails fast, and leaves it to the caller to come again. Whether the card was charged nobody knows.</summary>
    public async Task<Answer> FailFastAsync(Due due)
    {
        try
        {
            // The attempt's own time-out comes before the budget's end, so that the breaker hears of it.
            NowOrLater<Charged> answer = await perdure.TryNowAsync(Of(due), Budget, new JobOptions { Queue = Fast });
            if (answer.IsAccepted)
            {
                await answer.Job!.CancelAsync();        // the breaker is open, and this rung knows no later
            }

            return Of(answer) is { Status: not 202 } final ? final : new Answer(503, "the card provider is not asked for now");
        }
        catch (JobFailedException e)
        {
            return new Answer(503, e.Message);
        }
    }

    /// <summary>V2b: and three tries, a second apart. What is over in two seconds the caller does not see; the rest it still does.</summary>
    public async Task<Answer> TryThriceAsync(Due due)
    {
        try
        {
            await (await perdure.EnqueueAsync(Of(due), new JobOptions { Queue = Retried })).ResultAsync();
            return Paid;
        }
        catch (RejectedException no)
        {
            return new Answer(402, no.Reason);
        }
        catch (JobFailedException e)
        {
            return new Answer(503, e.Message);
        }
    }

    /// <summary>V3: stateful retry. The caller is told at once that it is done later, also when it could be done now.</summary>
    public async Task<Answer> LaterAsync(Due due) => Pending((await perdure.EnqueueAsync(Of(due))).Id);

    /// <summary>V4: tried for two seconds, and otherwise done later.</summary>
    public async Task<Answer> NowOrLaterAsync(Due due) => Of(await perdure.TryNowAsync(Of(due), Budget));

    /// <summary>V5: workers pull. They may be anywhere, in any language, and as many as there are.</summary>
    public async Task<Answer> PullAsync(Due due) => Pending((await perdure.EnqueueAsync(Of(due), new JobOptions { Queue = Pulled })).Id);

    /// <summary>One round of a worker for V5.</summary>
    /// <returns>How many charges it made, or was told that it cannot.</returns>
    public async Task<int> WorkAsync(string worker, TimeSpan wait, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<LeasedJob> jobs = await perdure.Queue(Pulled).LeaseAsync(worker, max: 10, wait, cancellationToken);
        foreach (LeasedJob job in jobs)
        {
            try
            {
                await job.CompleteAsync(await ChargeAsync(cards, job.Read<ChargeCard>(), cancellationToken), cancellationToken);
            }
            catch (CardExpiredException no)
            {
                await job.FailAsync(ErrorKind.Rejected, no.Message, cancellationToken);     // an answer: no other worker is to ask again
            }
        }

        return jobs.Count;
    }

    /// <summary>V6: more than a charge: credit is used, and given back when the card cannot be charged; the last step first.</summary>
    public async Task<Answer> CompensateAsync(Due due) => await PayAsync(due, InReverse);

    /// <summary>V7: the credit is given back first; what the provider may have charged is cleaned up behind the customer's back.</summary>
    public async Task<Answer> CompensateFirstAsync(Due due) => await PayAsync(due, Kindly);

    private async Task<Answer> PayAsync(Due due, string queue)
    {
        try
        {
            return Of(await perdure.TryNowAsync(due, Budget, new JobOptions { Queue = queue }));
        }
        catch (JobFailedException e)
        {
            return new Answer(503, e.Message);      // the provider gave no answer, and all is undone or will be
        }
    }

    private static Answer Paid { get; } = new(200, "paid");

    private static Answer Pending(string id) => new(202, $"it will be paid: {id}");

    private static ChargeCard Of(Due due) => new(due.RequestId, due.RefId, due.Card, due.Amount);

    private static Answer Of<T>(NowOrLater<T> answer) => answer switch
    {
        { IsDone: true } => Paid,
        { IsRejected: true } => new Answer(402, answer.Rejection!),
        _ => Pending(answer.Job!.Id),
    };

    private static async Task<Charged> ChargeAsync(CardProvider cards, ChargeCard charge, CancellationToken cancellationToken)
    {
        await cards.ChargeAsync(charge.RequestId, charge.RefId, charge.Card, charge.Amount, cancellationToken);
        return new Charged(charge.RequestId);
    }
}
