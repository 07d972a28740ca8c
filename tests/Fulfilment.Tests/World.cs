using Fulfilment.Checkout;
using Fulfilment.Participants;
using Microsoft.Extensions.DependencyInjection;
using Perdure;
using Perdure.Testing;

namespace Fulfilment.Tests;

/// <summary>All services in one process, in virtual time that a test moves by hand. Their books and what goes wrong outside live on through crashes.</summary>
internal sealed class World : IAsyncDisposable
{
    private readonly Books _books = Books.InMemory();

    private readonly Action<PerdureBuilder>? _more;

    private World(FulfilmentOptions options, Action<PerdureBuilder>? more) => (Options, _more) = (options, more);

    public FulfilmentOptions Options { get; private set; }

    public FlowTest Test { get; private set; } = null!;

    public ProviderFaults Provider { get; } = new();

    /// <summary>What was logged, at Information and above.</summary>
    public List<string> Log { get; } = [];

    /// <summary>The messages that came to a service, in their order.</summary>
    public List<IMessage> Messages { get; } = [];

    public PerdureClient Perdure => Test.Perdure;

    public Shop Shop => Service<Shop>();

    public CustomerCredit Credit => Service<CustomerCredit>();

    public static async Task<World> StartAsync(FulfilmentOptions options, Action<PerdureBuilder>? more = null)
    {
        World world = null!;
        world = new World(options with { Heard = (_, message) => world.Messages.Add(message) }, more);
        world.Test = await FlowTest.StartAsync(world.Add, new FlowTestOptions { Time = TestTime.ByHand, Log = world.Log.Add });
        return world;
    }

    /// <summary>A deployment: another build goes on with what is there.</summary>
    public Task DeployAsync(Func<FulfilmentOptions, FulfilmentOptions> change)
    {
        Options = change(Options);
        return Test.RestartAsync(Add);
    }

    /// <summary>Places an order and lets everybody do what there is to do.</summary>
    public async Task PlaceAsync(Order order)
    {
        await Shop.PlaceAsync(order);
        await Test.IdleAsync();
    }

    /// <summary>A customer has another card.</summary>
    public async Task UpdateCardAsync(Order order, string card)
    {
        await Shop.UpdateCardAsync(order.Id, card);
        await Test.IdleAsync();
    }

    /// <summary>A service does nothing until it is resumed.</summary>
    public Task PauseAsync(string service) => Perdure.Queue(service).PauseAsync();

    public async Task ResumeAsync(string service)
    {
        await Perdure.Queue(service).ResumeAsync();
        await Test.IdleAsync();
    }

    public Task PassAsync(TimeSpan time) => Test.AdvanceAsync(time);

    public OrderFacts Facts(Order order) => Service<Audit>().Orders().Single(facts => facts.Id == order.Id);

    public void ShouldBeInOrder()
    {
        Service<Audit>().Orders().Select(facts => facts.Violation()).ShouldAllBe(violation => violation == null);
        Service<Audit>().Strays().ShouldBe(0);
    }

    /// <summary>The messages about an order that came, by their types.</summary>
    public IReadOnlyList<string> Heard(Order order) => [.. Messages.Where(message => message.RefId == order.Id).Select(message => message.GetType().Name)];

    public T Service<T>()
        where T : notnull
        => Test.Services.GetRequiredService<T>();

    public async ValueTask DisposeAsync()
    {
        await Test.DisposeAsync();
        _books.Dispose();
    }

    private void Add(IServiceCollection services)
        => services.AddSingleton(_books).AddSingleton(Provider).AddFulfilment(Path.GetTempPath(), Options, _more);
}

/// <summary>Orders that end in a known way.</summary>
internal static class Some
{
    public static Order Good { get; } = new("1", "ada", "visa-1", [new Item("book", 2, 9.50m), new Item("lamp", 1, 31)], new Recipient("Ada", "1 High Street"));

    public static Order ByInvoice { get; } = Good with { Id = "2", PaysByInvoice = true };

    public static Order WithExpiredCard { get; } = Good with { Id = "3", Card = "expired-visa" };

    /// <summary>Bob has 20 to his credit, and so pays 30 by card.</summary>
    public static Order OfBob { get; } = Good with { Id = "4", Customer = "bob" };

    /// <summary>Carol has enough to her credit, and needs no card.</summary>
    public static Order OfCarol { get; } = Good with { Id = "5", Customer = "carol", Card = "expired-visa" };

    public static Order OfUnicorns { get; } = Good with { Id = "6", Items = [new Item("unicorn", 1, 50)] };

    public static Order ToNowhere { get; } = Good with { Id = "7", Recipient = new Recipient("Ada", "nowhere") };
}
