using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Tests;

/// <summary>Random flows are driven by random inputs, without a clock, a thread or a store; after every input the flow is rebuilt from its history.</summary>
public class ReplayPropertyTests
{
    private const int Seeds = 1_500;
    private const int InputsMax = 120;

    [Fact]
    public void A_flow_rebuilt_from_its_history_after_any_input_is_in_the_same_state()
    {
        var spread = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int seed = 1; seed <= Seeds; seed++)
        {
            Drive(seed, spread);
        }

        // The generator must reach what it is meant to check.
        string[] wanted = ["Completed", "Failed", "TimerFired", "SignalReceived", "CancelRequested", "Terminated", "=completed", "=failed", "=cancelled", "undo", "child", "withdrawn", "taken", "condition", "pivot", "stuck PRD3007", "stuck PRD3006"];
        wanted.Where(w => spread.GetValueOrDefault(w) < 10).ShouldBeEmpty(string.Join(", ", spread.Select(s => $"{s.Key} {s.Value}")));
    }

    private static void Drive(int seed, Dictionary<string, int> spread)
    {
        var world = new World(seed);
        var random = new Random(seed * 7919);
        var turn = new Turn();
        List<HistoryRow> history = [];
        List<string> live = [];
        FlowRun run = world.NewRun(live);
        HistoryRow? input = world.Start();
        while (input is not null && history.Count < InputsMax)
        {
            turn.Clear();
            run.Take(input, live: null, turn);
            history.Add(input);
            Count(spread, input.Kind.ToString());
            if (turn.Stuck is { } stuck)
            {
                // The only reasons that are no defects: the plan failed after its pivot, or in an undo.
                stuck.Code.ShouldBeOneOf([ErrorCodes.FailedAfterPivot, ErrorCodes.UndoRejected], $"seed {seed}: {stuck.Message} {RandomPlan.Of(seed)}\n{Text(history)}{turn.Text} {run.Fingerprint()}");
                Count(spread, $"stuck {stuck.Code}");
                return;
            }

            input.Asks = turn.Text;
            Note(spread, turn);
            List<string> again = [];
            FlowRun rebuilt = world.NewRun(again);
            Replay(rebuilt, history, seed);
            rebuilt.Fingerprint().ShouldBe(run.Fingerprint(), $"seed {seed}, after input {history.Count - 1}");
            again.ShouldBe(live, $"seed {seed}");
            if (turn.End is not null)
            {
                run.Asks.All.Where(a => a.IsWork && a.Open && turn.End.Status != FlowStatus.Terminated).ShouldBeEmpty($"seed {seed}: ended with work open");
                return;
            }

            input = Next(run, random, history.Count);
        }
    }

    private static void Replay(FlowRun run, List<HistoryRow> history, int seed)
    {
        var turn = new Turn();
        foreach (HistoryRow row in history)
        {
            turn.Clear();
            turn.IsReplay = true;
            run.Take(row, live: null, turn);
            turn.Stuck.ShouldBeNull($"seed {seed}: {turn.Stuck?.Message}");
            AskText.Differs(row.Asks!, turn, "f", row.Position).ShouldBeNull($"seed {seed}");
        }
    }

    /// <summary>Answers one of the open asks, or sends something that nobody asked for.</summary>
    private static HistoryRow? Next(FlowRun run, Random random, int position)
    {
        List<Ask> open = [.. run.Asks.All];
        DateTimeOffset at = run.Now + TimeSpan.FromSeconds(random.Next(5));
        int choice = random.Next(100);
        if (choice < 8)
        {
            string name = $"n{random.Next(2)}";
            return new HistoryRow(1, position, at, InputKind.SignalReceived)
            {
                Name = name,
                Payload = "7"u8.ToArray(),
                Ask = run.Asks.Signals.FirstWait(name)?.Number ?? -1,
                SenderId = random.Next(2) == 0 ? $"x{position}" : null,
            };
        }

        if (choice < 10)
        {
            return new HistoryRow(1, position, at, InputKind.CancelRequested) { Payload = Reasons.Json("a test") };
        }

        if (choice < 11)
        {
            return new HistoryRow(1, position, at, InputKind.Terminated) { Payload = Reasons.Json("a test") };
        }

        Ask ask = open[random.Next(open.Count)];
        return ask.IsWork
            ? Answer(ask, random, position, at)
            : new HistoryRow(1, position, ask.Due!.Value > at ? ask.Due.Value : at, InputKind.TimerFired) { Ask = ask.Number };
    }

    private static HistoryRow Answer(Ask ask, Random random, int position, DateTimeOffset at)
    {
        int choice = ask.Kind == AskKind.Undo ? 0 : random.Next(10);
        if (choice < 7 && !(ask.Stopping && choice < 4 && ask.Kind != AskKind.Undo))
        {
            return new HistoryRow(1, position, at, InputKind.Completed) { Ask = ask.Number, Payload = "5"u8.ToArray(), Attempts = 1 };
        }

        ErrorKind kind = ask.Stopping ? ErrorKind.Cancelled : choice switch
        {
            7 => ErrorKind.Rejected,
            8 => ErrorKind.Permanent,
            _ => ErrorKind.Unknown,
        };
        return new HistoryRow(1, position, at, InputKind.Failed)
        {
            Ask = ask.Number,
            Payload = FlowJson.SerializeError(new ErrorInfo(kind, "PRD2002", "Test", "a test")),
            Attempts = 1,
        };
    }

    private static string Text(List<HistoryRow> history)
        => string.Concat(history.Select(h => $"{h.Position} {h.Kind} {h.Ask} {h.Name} -> {h.Asks?.Replace('\n', '|')}\n"));

    private static void Note(Dictionary<string, int> spread, Turn turn)
    {
        foreach (string line in turn.Text.Split('\n'))
        {
            Count(spread, line.Length == 0 ? "nothing" : line[0] switch
            {
                'U' => "undo",
                'C' or 'D' => "child",
                '-' => "withdrawn",
                '+' => "taken",
                'H' => "condition",
                'P' => "pivot",
                '=' => line,
                _ => "ask",
            });
        }
    }

    private static void Count(Dictionary<string, int> spread, string what) => spread[what] = spread.GetValueOrDefault(what) + 1;

    /// <summary>What a run needs around it.</summary>
    private sealed class World
    {
        private readonly int _seed;
        private readonly FlowRow _row = new(1, 0, new FlowKey("random", "1"), 1, DateTimeOffset.UnixEpoch);

        public World(int seed) => _seed = seed;

        public HistoryRow Start() => new(1, 0, new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), InputKind.Started) { Payload = System.Text.Encoding.UTF8.GetBytes($"{_seed}") };

        public FlowRun NewRun(List<string> seen)
        {
            var flow = new FlowDefinition<int, int>("random", 1, null, _ => async (seed, context) =>
            {
                await RandomPlan.Of(seed).RunAsync(context, seen.Add);
                return 0;
            });
            var leaf = new FlowDefinition<int, int>("leaf", 1, null, _ => (n, _) => Task.FromResult(n));
            var services = new FlowServices(new ServiceCollection().BuildServiceProvider(), new FlowRegistry([flow, leaf]), new FlowJson(FlowJson.DefaultOptions(), 1_000_000), NullLoggerFactory.Instance);
            return new FlowRun(flow, _row, seed: 42, services, (_, message) => throw new InvalidOperationException(message));
        }
    }
}
