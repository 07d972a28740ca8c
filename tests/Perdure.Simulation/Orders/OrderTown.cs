using Perdure.Engine;
using Perdure.Simulation.Jobs;
using Perdure.Simulation.Processes;
using Perdure.Simulation.Services;
using Perdure.Testing.Virtual;

namespace Perdure.Simulation.Orders;

/// <summary>The services that take orders. They stand outside of all processes, and each answers the same for the same order in every town of a seed.</summary>
internal sealed class OrderTown(World world)
{
    private readonly ReplayRandom _chance = new(ReplayRandom.Mix(world.Seed ^ 0x0_4DE4));
    private readonly SortedDictionary<string, OrderBook> _books = new(StringComparer.Ordinal);

    public bool IsCalm { get; set; }

    public IReadOnlyDictionary<string, OrderBook> Books => _books;

    public OrderBook Of(string order)
    {
        if (!_books.TryGetValue(order, out OrderBook? book))
        {
            var answers = new ReplayRandom(ReplayRandom.Mix(world.Seed ^ ((ulong)int.Parse(order.AsSpan(1), System.Globalization.CultureInfo.InvariantCulture) << 40)));
            _books.Add(order, book = new OrderBook(Says(answers), Says(answers), Says(answers)));
        }

        return book;
    }

    /// <summary>Calls a service: it takes its time, and may fail before it has done anything, or after.</summary>
    public async Task<T> CallAsync<T>(Process process, Func<T> call, CancellationToken token)
    {
        await PauseAsync(process, token);
        int fault = IsCalm ? 0 : _chance.Next(10);
        if (fault == 8)
        {
            throw new TransientFault();
        }

        T answer = call();
        await PauseAsync(process, token);
        return fault == 9 ? throw new TimeoutException() : answer;
    }

    /// <summary>Takes a while: its process may die meanwhile.</summary>
    public Task PauseAsync(Process process, CancellationToken token) => HandlerFaults.PauseAsync(process, _chance.Next(_chance.Next(4) == 0 ? 4_000 : 200), token);

    private static bool Says(ReplayRandom answers) => answers.Next(5) > 0;
}
