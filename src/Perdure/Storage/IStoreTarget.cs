namespace Perdure.Storage;

/// <summary>A store that another one can be copied into.</summary>
public interface IStoreTarget : IStore
{
    /// <summary>Opens a store that is not there yet, under the number of the one that it is to be a copy of.</summary>
    /// <returns>What the store says of itself. Its number is another one where a store was there before.</returns>
    /// <param name="storeId">The number.</param>
    /// <param name="shardCount">How many shards it gets.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    /// <exception cref="StoreException">The store is in use, damaged, newer than this library, or out of reach.</exception>
    Task<StoreInfo> OpenNewAsync(Guid storeId, int shardCount, CancellationToken cancellationToken);
}
