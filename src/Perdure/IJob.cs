namespace Perdure;

/// <summary>A unit of work in a queue: what is wanted, as a value that JSON can carry.</summary>
/// <remarks>The type's durable name (its name in kebab-case, or <see cref="NamedAttribute"/>) stands in the store: keep it when the type is renamed.</remarks>
public interface IJob;

/// <summary>A job with a result.</summary>
/// <typeparam name="TResult">The result; any type that JSON can carry.</typeparam>
public interface IJob<TResult> : IJob;
