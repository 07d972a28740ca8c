using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Fulfilment.Participants;

/// <summary>What goes wrong between Payment and the card provider.</summary>
public sealed class ProviderFaults
{
    /// <summary>How long each call takes.</summary>
    public TimeSpan Slow { get; set; }

    /// <summary>How long its answers take, when what they tell of has been done already.</summary>
    public TimeSpan SlowToAnswer { get; set; }

    /// <summary>Whether it answers nothing but errors.</summary>
    public bool IsDown { get; set; }

    /// <summary>Whether it does what it is told to, and its answers get lost.</summary>
    public bool LosesAnswers { get; set; }

    /// <summary>Of how many cards in a hundred it says that they have expired, 0 to 100.</summary>
    public int ExpiredPercent { get; set; }
}

/// <summary>Charges credit cards, for money. A charge goes by the request that it is for: the same request again is the same charge.</summary>
public sealed class CardProvider(Books books, ProviderFaults faults, TimeProvider time)
{
    public const string Charges = "charge";

    /// <exception cref="CardExpiredException">The card has expired: a business no.</exception>
    public Task ChargeAsync(string request, string orderId, string card, decimal amount, CancellationToken cancellationToken) => CallAsync(() =>
    {
        if (HasExpired(card, faults.ExpiredPercent))
        {
            throw new CardExpiredException(card);
        }

        books.Payment.Do(Charges, request, orderId, amount, card);
    }, cancellationToken);

    /// <summary>Gives the money back; of a charge that has not come, it sees to it that it never does.</summary>
    public Task RefundAsync(string request, CancellationToken cancellationToken) => CallAsync(() => books.Payment.TakeBack(Charges, request), cancellationToken);

    /// <summary>Goes by the card alone: in whatever process, and whenever it is asked, the answer for a card is the same.</summary>
    internal static bool HasExpired(string card, int percent)
        => card.StartsWith("expired", StringComparison.Ordinal) || BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(card))) % 100 < percent;

    private async Task CallAsync(Action work, CancellationToken cancellationToken)
    {
        await PassAsync(faults.Slow, cancellationToken);
        if (faults.IsDown)
        {
            throw new HttpRequestException("the card provider is unavailable");
        }

        work();
        await PassAsync(faults.SlowToAnswer, cancellationToken);
        if (faults.LosesAnswers)
        {
            throw new TimeoutException("the card provider did not answer in time");
        }
    }

    private Task PassAsync(TimeSpan pause, CancellationToken cancellationToken) => pause > TimeSpan.Zero ? Task.Delay(pause, time, cancellationToken) : Task.CompletedTask;
}

public sealed class CardExpiredException(string card) : Exception($"card {card} has expired");
