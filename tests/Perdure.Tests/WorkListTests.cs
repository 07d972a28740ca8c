using Perdure.Hosting;

namespace Perdure.Tests;

/// <summary>Work that a group's end sets going.</summary>
public sealed class WorkListTests
{
    private const int Pieces = 100;

    [Fact]
    public async Task Work_that_blocks_keeps_no_other_work_of_its_list_waiting()
    {
        using var allOthers = new CountdownEvent(Pieces - 1);
        var blocked = new TaskCompletionSource();
        var first = new Piece(() =>
        {
            allOthers.Wait(); // for good, if nobody else did them
            blocked.SetResult();
        });

        new SystemSeams(TimeProvider.System).RunAll([first, .. Enumerable.Range(1, Pieces - 1).Select(_ => new Piece(() => allOthers.Signal()))]);

        await blocked.Task.Soon();
    }

    [Fact]
    public async Task Each_piece_of_a_list_runs_once()
    {
        int[] runs = new int[Pieces];
        using var all = new CountdownEvent(Pieces);
        var done = new TaskCompletionSource();

        new SystemSeams(TimeProvider.System).RunAll([.. Enumerable.Range(0, Pieces).Select(i => new Piece(() =>
        {
            Interlocked.Increment(ref runs[i]);
            if (all.Signal())
            {
                done.SetResult();
            }
        }))]);

        await done.Task.Soon();
        runs.ShouldAllBe(n => n == 1);
    }

    private sealed class Piece(Action run) : IThreadPoolWorkItem
    {
        public void Execute() => run();
    }
}
