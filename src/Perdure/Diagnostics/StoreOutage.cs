using Microsoft.Extensions.Logging;

namespace Perdure.Diagnostics;

/// <summary>Says once that the store does not do what is asked of it, and once that it does again, however many pieces of work ask it meanwhile.</summary>
/// <remarks>
/// <para>
/// An outage begins with the first try that fails. It is over when each one who tries again (a group of batches, a shard that is taken, a read) has got through or no
/// longer wants it, and nothing has failed for a moment: on a disk that is nearly full, some get through by luck.
/// </para>
/// <para>A reason of another kind is said, too, once: a server that dies leaves commits of unknown outcome first, and then cannot be reached.</para>
/// </remarks>
internal sealed class StoreOutage(ILogger log, TimeProvider time)
{
    /// <summary>Longer than the pauses of those who try again without a word of it.</summary>
    internal static readonly TimeSpan Quiet = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly HashSet<object> _trying = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<string> _said = [];
    private DateTimeOffset _since;
    private long _began;
    private long _quietFrom;
    private int _failures;
    private volatile bool _isOpen;

    /// <summary>A try has failed, and who made it goes on until <see cref="Ended"/>.</summary>
    public void Failed(object trying, Exception reason)
    {
        log.TryFailed(reason);
        Failed(trying, reason.Message);
    }

    /// <summary>A try has failed, and who made it goes on until <see cref="Ended"/>.</summary>
    public void Failed(object trying, string reason)
    {
        lock (_lock)
        {
            _trying.Add(trying);
            Count(reason);
        }
    }

    /// <summary>A try has failed of one who does not say when it got through.</summary>
    public void Failed(Exception reason)
    {
        log.TryFailed(reason);
        lock (_lock)
        {
            Count(reason.Message);
        }
    }

    /// <summary>Another one has to do with what failed: while there is an outage, it is not over before this one has got through.</summary>
    public void Hold(object trying)
    {
        lock (_lock)
        {
            if (_isOpen)
            {
                _trying.Add(trying);
            }
        }
    }

    /// <summary>One has got through, or wants it no more. Of those that never failed, too.</summary>
    public void Ended(object trying)
    {
        if (!_isOpen)
        {
            return;
        }

        lock (_lock)
        {
            if (_trying.Remove(trying))
            {
                _quietFrom = time.GetTimestamp();
            }
        }
    }

    /// <summary>Says that an outage is over when it is. From a timer.</summary>
    public void Look()
    {
        if (!_isOpen)
        {
            return;
        }

        lock (_lock)
        {
            if (_isOpen && _trying.Count == 0 && time.GetElapsedTime(_quietFrom) >= Quiet)
            {
                _isOpen = false;
                log.StoreIsBack(time.GetElapsedTime(_began, _quietFrom), _failures);
            }
        }
    }

    /// <summary>Under the lock.</summary>
    private void Count(string reason)
    {
        _quietFrom = time.GetTimestamp();
        if (!_isOpen)
        {
            _isOpen = true;
            _since = time.GetUtcNow();
            _began = _quietFrom;
            _failures = 0;
            _said.Clear();
        }

        _failures++;
        if (_said.Add(KindOf(reason)))
        {
            log.StoreIsOut(_since, reason);
        }
    }

    /// <summary>Names of files, hosts and ports differ from try to try: the code tells one reason from another, and the database's own, five characters at the end in parentheses.</summary>
    private static string KindOf(string reason) => reason.Split(':')[0] + (reason is [.., '(', _, _, _, _, _, ')'] ? reason[^7..] : "");
}
