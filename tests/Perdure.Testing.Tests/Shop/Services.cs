using System.Collections.Concurrent;

namespace Perdure.Testing.Tests.Shop;

/// <summary>What is reserved.</summary>
public sealed class Stock
{
    private readonly ConcurrentDictionary<string, bool> _reserved = new();

    public int Reserved => _reserved.Values.Count(reserved => reserved);

    public Task ReserveAsync(Order order)
    {
        _reserved.TryAdd(order.Id, true);
        return Task.CompletedTask;
    }

    public Task ReleaseAsync(string orderId)
    {
        _reserved[orderId] = false; // a late reserve finds it
        return Task.CompletedTask;
    }
}

/// <summary>The bank: it knows each charge by its key, and so makes it once.</summary>
public sealed class Cards
{
    private readonly ConcurrentDictionary<string, string> _charges = new();
    private readonly ConcurrentDictionary<string, bool> _refunded = new();
    private int _charged;

    /// <summary>How often money was taken.</summary>
    public int Charged => _charged;

    public int Refunded => _refunded.Count;

    public Task<string> ChargeAsync(Order order, string key) => Task.FromResult(_charges.GetOrAdd(key, _ =>
    {
        _charged++;
        return $"charge of {order.Total} for {order.Id}";
    }));

    public Task RefundAsync(string orderId)
    {
        _refunded[orderId] = true;
        return Task.CompletedTask;
    }
}

/// <summary>Mails, in the order in which they were sent; the same mail again is no matter.</summary>
public sealed class Mail
{
    private readonly ConcurrentQueue<string> _sent = new();

    public IReadOnlyCollection<string> Sent => _sent;

    public Task InviteAsync(string orderId) => SendAsync($"{orderId} can be picked up");

    public Task ThankAsync(string orderId, string who) => SendAsync($"thank you, {who}, for {orderId}");

    private Task SendAsync(string text)
    {
        _sent.Enqueue(text);
        return Task.CompletedTask;
    }
}
