using System.Collections.Concurrent;

namespace Orders.Services;

/// <summary>How often what goes wrong. Rates are shares of all calls, from 0 to 1; the three after slow must be below 1 together.</summary>
public sealed record FaultOptions
{
    public double SlowRate { get; init; } = 0.25;

    public double FailRate { get; init; } = 0.05;

    public double TimeoutRate { get; init; } = 0.02;

    public double LostRate { get; init; } = 0.03;

    /// <summary>The longest that a slow call takes.</summary>
    public TimeSpan Slow { get; init; } = TimeSpan.FromMilliseconds(400);

    /// <summary>After how long a caller gives up waiting for an answer.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The same seed gives each call the same faults, in whatever order the calls come.</summary>
    public int Seed { get; init; } = 1;
}

/// <summary>A network on which calls are slow, fail, time out, or lose their answer after the work was done.</summary>
public sealed class FaultyNetwork(FaultOptions options) : INetwork
{
    private readonly ConcurrentDictionary<Call, int> _calls = new();
    private readonly ConcurrentDictionary<Task, Call> _underWay = new();
    private int _slow, _failed, _timedOut, _lost;

    public FaultCounts Counts => new(_slow, _failed, _timedOut, _lost);

    public async Task<T> CallAsync<T>(Call call, Func<Task<T>> work, CancellationToken cancellationToken)
    {
        Random chance = ChanceOf(call, nth: _calls.AddOrUpdate(call, 1, (_, n) => n + 1));
        if (chance.NextDouble() < options.SlowRate)
        {
            Interlocked.Increment(ref _slow);
            await Task.Delay(options.Slow * chance.NextDouble(), cancellationToken);
        }

        double fate = chance.NextDouble();
        if (fate < options.FailRate)
        {
            Interlocked.Increment(ref _failed);
            throw new ServiceUnavailableException(call);
        }

        if (fate < options.FailRate + options.TimeoutRate)
        {
            Interlocked.Increment(ref _timedOut);
            if (chance.Next(2) == 0)
            {
                ArriveLate(call, work, options.Timeout * (2 * chance.NextDouble()));
            }

            await Task.Delay(options.Timeout, cancellationToken);
            throw new TimeoutException($"{call.Service} did not answer {call.Command} in time");
        }

        if (fate < options.FailRate + options.TimeoutRate + options.LostRate)
        {
            Interlocked.Increment(ref _lost);
            await ((Task)work()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw new AnswerLostException(call);
        }

        return await work();
    }

    /// <summary>Waits for calls that their callers have given up, but that are still on their way to the service.</summary>
    public Task IdleAsync() => Task.WhenAll(_underWay.Keys);

    private void ArriveLate<T>(Call call, Func<Task<T>> work, TimeSpan delay)
    {
        Task arrival = ArriveAsync();
        _underWay[arrival] = call;
        _ = arrival.ContinueWith(a => _underWay.TryRemove(a, out _), TaskScheduler.Default);

        async Task ArriveAsync()
        {
            await Task.Delay(delay);
            await ((Task)work()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // nobody listens for the answer
        }
    }

    private Random ChanceOf(Call call, int nth)
    {
        uint hash = 2166136261; // FNV-1a: string.GetHashCode differs from process to process
        foreach (char c in $"{options.Seed} {call} {nth}")
        {
            hash = (hash ^ c) * 16777619;
        }

        return new Random((int)hash);
    }
}

/// <summary>How often what went wrong.</summary>
public sealed record FaultCounts(int Slow, int Failed, int TimedOut, int Lost)
{
    public override string ToString() => $"{Slow} calls slow, {Failed} failed, {TimedOut} timed out, {Lost} lost their answer";
}
