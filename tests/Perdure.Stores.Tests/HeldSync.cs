using Perdure.Sqlite.Native;

namespace Perdure.Stores.Tests;

/// <summary>A disk that the test has in its hands: syncs wait until they are let go, or fail.</summary>
internal sealed class HeldSync : IDisposable
{
    public const int SyncFailed = 1034;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private readonly SemaphoreSlim _asked = new(0);
    private readonly SemaphoreSlim _allowed = new(0);
    private volatile bool _holds;
    private volatile int _failure;

    /// <summary>The name of the thread that synced last; null where it has none.</summary>
    public string? LastThread { get; private set; }

    public void Around(Action sync)
    {
        LastThread = Thread.CurrentThread.Name;
        if (_holds)
        {
            _asked.Release();
            _allowed.Wait(Limit).ShouldBeTrue("the test never let the sync go");
        }

        if (_failure is not 0 and var code)
        {
            throw new SqliteFailure(code, "the disk is gone");
        }

        sync();
    }

    /// <summary>Holds the syncs that begin from now on.</summary>
    public void Hold() => _holds = true;

    /// <summary>Waits until a sync has begun that is held.</summary>
    public async Task BegunAsync() => (await _asked.WaitAsync(Limit)).ShouldBeTrue("no sync began");

    /// <summary>Lets one sync go, and holds the next.</summary>
    public void LetOneGo() => _allowed.Release();

    /// <summary>Lets the sync that is held go, and all that come.</summary>
    public void LetGo()
    {
        _holds = false;
        _allowed.Release();
    }

    /// <summary>Fails the sync that is held, and all that come.</summary>
    public void Fail(int code = SyncFailed)
    {
        _failure = code;
        LetGo();
    }

    public void Dispose()
    {
        LetGo();
        _asked.Dispose();
    }
}
