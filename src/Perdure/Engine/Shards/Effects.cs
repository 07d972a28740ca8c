namespace Perdure.Engine;

/// <summary>Something that may leave a shard only once the batch that decided it is durable: a step's run, a message, an answer, a log line.</summary>
internal interface IEffect
{
    /// <summary>Lets it go. On the shard's loop; must be quick and must not throw.</summary>
    void Release();

    /// <summary>The batch's outcome is unknown, and its shard forgets it.</summary>
    void Lost(PerdureException reason);
}

/// <summary>
/// An effect that touches nothing of its shard. It leaves as soon as its batch is durable, without its loop: a step need not wait until
/// the loop has time, and the loop is woken later or not at all.
/// </summary>
internal interface IFreeEffect : IEffect, IThreadPoolWorkItem
{
    void IThreadPoolWorkItem.Execute() => Release();

    /// <summary>
    /// Lets it go with all others of its group, on the thread that hears of the commit: what takes time is added to <paramref name="work"/>, which runs on the pool
    /// once all have been let go. What the shard must find done when it hears of the commit is done here.
    /// </summary>
    void Release(List<IThreadPoolWorkItem> work) => work.Add(this);
}

/// <summary>An effect that nobody misses when it is lost, since recovery decides it again.</summary>
internal sealed class ActionEffect(Action release) : IEffect
{
    public void Release() => release();

    public void Lost(PerdureException reason)
    {
        // Recovery decides it again, or it was only an observation.
    }
}
