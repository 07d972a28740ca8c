using System.Reflection;
using Perdure.Storage;

namespace Perdure.RabbitMq.Tests;

/// <summary>A store whose commits fail for as long as a test wants.</summary>
public class FailingStore : DispatchProxy
{
    private IStore _inner = null!;

    public bool Fails { get; set; }

    public static IStore Around(IStore inner, out FailingStore faults)
    {
        IStore store = Create<IStore, FailingStore>();
        faults = (FailingStore)store;
        faults._inner = inner;
        return store;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        => Fails && targetMethod!.Name == nameof(IStore.CommitAsync)
            ? Task.FromException<IReadOnlyList<CommitAnswer>>(new StoreException("PRD5005", "the disk is gone"))
            : targetMethod!.Invoke(_inner, args);
}
