using System.Runtime.InteropServices;

namespace Perdure.Worker;

/// <summary>What attempts there were in the last while, counted in tenths of it: a tenth counts until the whole of it is too old.</summary>
internal sealed class AttemptCounts(TimeSpan window)
{
    private const int Slices = 10;

    private readonly long _sliceTicks = window.Ticks / Slices;
    private readonly Counts[] _slices = new Counts[Slices];
    private Counts _all;

    /// <summary>The number of the tenth that is counted now.</summary>
    private long _slice;

    /// <summary>What was counted in the window that ends now.</summary>
    public Counts At(DateTimeOffset now)
    {
        Move(now);
        return _all;
    }

    /// <summary>When the oldest tenth is left out next.</summary>
    public DateTimeOffset NextChange(DateTimeOffset now)
    {
        Move(now);
        return new DateTimeOffset((_slice + 1) * _sliceTicks, TimeSpan.Zero);
    }

    /// <summary>An attempt starts.</summary>
    public void Start(DateTimeOffset now, bool isRetry) => Add(now, isRetry ? new Counts(0, 1, 0, 0) : new Counts(1, 0, 0, 0));

    /// <summary>An attempt has ended.</summary>
    public void End(DateTimeOffset now, bool failed) => Add(now, failed ? new Counts(0, 0, 0, 1) : new Counts(0, 0, 1, 0));

    /// <summary>Counts ends from zero.</summary>
    public void ForgetEnds()
    {
        for (int i = 0; i < Slices; i++)
        {
            _slices[i] = _slices[i] with { Answers = 0, Failures = 0 };
        }

        _all = _all with { Answers = 0, Failures = 0 };
    }

    private void Add(DateTimeOffset now, Counts one)
    {
        Move(now);
        _slices[_slice % Slices] += one;
        _all += one;
    }

    private void Move(DateTimeOffset now)
    {
        long slice = now.UtcTicks / _sliceTicks;
        if (slice - _slice >= Slices)
        {
            Array.Clear(_slices);
            _all = default;
            _slice = slice;
        }

        while (_slice < slice)
        {
            _slice++;
            _all -= _slices[_slice % Slices];
            _slices[_slice % Slices] = default;
        }
    }
}

/// <summary>How many attempts of which kind.</summary>
/// <param name="Firsts">That started, as the first of their steps or jobs.</param>
/// <param name="Retries">That started, and were not the first.</param>
/// <param name="Answers">That ended with an answer.</param>
/// <param name="Failures">That ended without one.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Counts(int Firsts, int Retries, int Answers, int Failures)
{
    public static Counts operator +(Counts one, Counts other)
        => new(one.Firsts + other.Firsts, one.Retries + other.Retries, one.Answers + other.Answers, one.Failures + other.Failures);

    public static Counts operator -(Counts one, Counts other)
        => new(one.Firsts - other.Firsts, one.Retries - other.Retries, one.Answers - other.Answers, one.Failures - other.Failures);
}
