using Microsoft.Extensions.DependencyInjection;

namespace Perdure.Tests;

public class StepTests
{
    private static readonly Retry Quick = Retry.Exponential(attempts: 3, first: TimeSpan.FromMilliseconds(1));

    [Fact]
    public async Task A_flow_runs_its_steps_and_returns_its_result()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("sum", async (int[] numbers, FlowContext flow) =>
        {
            int sum = 0;
            foreach (int n in numbers)
            {
                sum = await flow.Step(() => AddAsync(sum, n));
            }

            return sum;
        }));

        (await host.Perdure.Flow<int[], int>("sum").RunAsync([1, 2, 3], "a").Soon()).ShouldBe(6);

        FlowDescription run = await host.Perdure.Get("sum", "a").DescribeAsync();
        run.Status.ShouldBe(FlowStatus.Completed);
        run.Asks.Select(a => a.ToString()![..(a.ToString()!.IndexOf(" in", StringComparison.Ordinal))]).ShouldBe(["step Add: completed", "step Add: completed", "step Add: completed"]);
        run.Asks.ShouldAllBe(a => a.Attempts == 1 && a.Duration >= TimeSpan.Zero);
        run.Input.GetRawText().ShouldBe("[1,2,3]");
        run.Result!.Value.GetInt32().ShouldBe(6);
    }

    [Fact]
    public async Task A_transient_error_is_retried_under_the_same_key()
    {
        List<(int Attempt, string Key)> seen = [];
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
            await flow.Step(s =>
            {
                seen.Add((s.Attempt, s.IdempotencyKey));
                return s.Attempt < 3 ? throw new IOException("not yet") : Task.FromResult("done");
            }, retry: Quick, name: "work")));

        (await host.Perdure.Flow<int, string>("f").RunAsync(0, "1").Soon()).ShouldBe("done");

        seen.Select(s => s.Attempt).ShouldBe([1, 2, 3]);
        seen.Select(s => s.Key).Distinct().Count().ShouldBe(1);
        (await host.Perdure.Get("f", "1").DescribeAsync()).Asks[0].Attempts.ShouldBe(3);
    }

    [Fact]
    public async Task A_rejection_is_not_retried_and_reaches_the_flow_with_its_reason()
    {
        int attempts = 0;
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            try
            {
                await flow.Step(() => Task.FromException(new InvalidDataException($"no {++attempts}")), name: "ask", undo: () => Task.CompletedTask);
                return "yes";
            }
            catch (RejectedException no)
            {
                return $"{no.Step}: {no.Reason} ({no.Error!.Type})";
            }
        }).Errors(e => e.Reject<InvalidDataException>()));

        (await host.Perdure.Flow<int, string>("f").RunAsync(0).Soon()).ShouldBe("ask: no 1 (InvalidDataException)");
    }

    [Fact]
    public async Task Used_up_retries_fail_the_flow_and_undo_what_was_done_in_reverse()
    {
        List<string> undone = [];
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(() => Task.FromResult(1), undo: t => Note(undone, $"first {t}"), name: "first");
            await flow.Step(() => Task.FromResult(2), undo: () => Note(undone, "second"), name: "second");
            await flow.Step(() => Task.FromException<int>(new IOException("broken")), undo: t => Note(undone, "never"), retry: Quick, name: "third");
            return 0;
        }));

        FlowFailedException failure = await Should.ThrowAsync<FlowFailedException>(() => host.Perdure.Flow<int, int>("f").RunAsync(0, "1").Soon());

        failure.Error.Kind.ShouldBe(ErrorKind.Permanent);
        failure.Message.ShouldContain("third failed after 3 attempt(s): broken");
        undone.ShouldBe(["second", "first 1"]);
        (await host.Perdure.Get("f", "1").DescribeAsync()).Status.ShouldBe(FlowStatus.Failed);
    }

    [Fact]
    public async Task An_undo_without_the_result_runs_also_when_the_outcome_is_unknown()
    {
        List<string> undone = [];
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            try
            {
                await flow.Step(() => Task.FromException<int>(new TimeoutException("silence")), undo: () => Note(undone, "charge"), retry: Quick, name: "charge");
            }
            catch (OutcomeUnknownException e)
            {
                undone.Add(e.Step);
                throw;
            }

            return 0;
        }));

        FlowFailedException failure = await Should.ThrowAsync<FlowFailedException>(() => host.Perdure.Flow<int, int>("f").RunAsync(0).Soon());

        failure.Error.Kind.ShouldBe(ErrorKind.Unknown);
        undone.ShouldBe(["charge", "charge"]);
    }

    [Fact]
    public async Task Reconcile_finds_what_an_attempt_of_unknown_outcome_did()
    {
        int charged = 0;
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
            await flow.Step(() =>
            {
                charged++;
                return Task.FromException<string>(new TimeoutException("the answer was lost"));
            }, undo: () => Task.CompletedTask, reconcile: () => Task.FromResult(charged > 0 ? "receipt" : null), retry: Quick, name: "charge")));

        (await host.Perdure.Flow<int, string>("f").RunAsync(0).Soon()).ShouldBe("receipt");
        charged.ShouldBe(1);
    }

    [Fact]
    public async Task Reconcile_that_says_no_lets_the_step_run_again_and_its_undo_runs_all_the_same()
    {
        int attempts = 0;
        bool undone = false;
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
            await flow.Step(() =>
            {
                attempts++;
                return Task.FromException<string>(new TimeoutException("lost"));
            }, undo: () =>
            {
                undone = true;
                return Task.CompletedTask;
            }, reconcile: () => Task.FromResult<string?>(null), retry: Quick, name: "charge")));

        FlowFailedException failure = await Should.ThrowAsync<FlowFailedException>(() => host.Perdure.Flow<int, string>("f").RunAsync(0).Soon());
        failure.Error.Kind.ShouldBe(ErrorKind.Permanent);
        attempts.ShouldBe(3);
        undone.ShouldBeTrue(); // the no may have been a not yet
    }

    [Fact]
    public async Task An_attempt_over_its_time_is_cancelled_and_retried()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
            await flow.Step(async s =>
            {
                if (s.Attempt == 1)
                {
                    await Task.Delay(Timeout.Infinite, s);
                }

                return s.Attempt;
            }, timeout: TimeSpan.FromMilliseconds(20), retry: Quick, name: "slow")));

        (await host.Perdure.Flow<int, int>("f").RunAsync(0).Soon()).ShouldBe(2);
    }

    [Fact]
    public async Task Steps_in_parallel_are_undone_in_reverse_order_of_their_completion()
    {
        List<string> undone = [];
        var slow = new TaskCompletionSource();
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            Task a = flow.Step(() => slow.Task, undo: () => Note(undone, "slow"), name: "slow");
            Task b = flow.Step(() => Task.CompletedTask, undo: () => Note(undone, "fast"), name: "fast");
            await b;
            slow.SetResult();
            await Task.WhenAll(a, b);
            await flow.Undo();
            return 0;
        }));

        await host.Perdure.Flow<int, int>("f").RunAsync(0).Soon();
        undone.ShouldBe(["slow", "fast"]);
    }

    [Fact]
    public async Task Each_attempt_has_services_of_its_own_scope()
    {
        await using TestHost host = await TestHost.StartAsync(
            p => p.AddFlow("f", async (int _, FlowContext flow) =>
            {
                int a = await flow.Step((Scoped s) => Task.FromResult(s.Number), name: "a");
                int b = await flow.Step((Scoped s) => Task.FromResult(s.Number), name: "b");
                return (a, b);
            }),
            services: s => s.AddScoped<Scoped>());

        (await host.Perdure.Flow<int, (int, int)>("f").RunAsync(0).Soon()).ShouldBe((1, 2));
        Scoped.Disposed.ShouldBe(2);
    }

    [Fact]
    public async Task A_step_whose_result_is_no_json_fails_with_a_clear_error_and_is_not_done_again()
    {
        int done = 0;
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(() =>
            {
                done++;
                return Task.FromResult<Action>(() => { });
            }, retry: Quick, name: "bad");
            return 0;
        }));

        FlowFailedException failure = await Should.ThrowAsync<FlowFailedException>(() => host.Perdure.Flow<int, int>("f").RunAsync(0).Soon());
        failure.Message.ShouldContain("PRD1006");
        done.ShouldBe(1);
    }

    [Fact]
    public async Task Names_come_from_the_method_that_is_called()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int input, FlowContext flow) =>
        {
            await flow.Step(() => this.Self().AddAsync(input, Math.Abs(-1)));
            await flow.Step(s => AddAsync(1, s.Attempt), undo: (s, t) => UndoAddAsync(t));
            await flow.Step(async () => await AddAsync(1, 2));
            await flow.Undo();
            return 0;
        }));

        await host.Perdure.Flow<int, int>("f").RunAsync(0, "1").Soon();
        (await host.Perdure.Get("f", "1").DescribeAsync()).Asks.Select(a => $"{a.Kind} {a.Name}").ShouldBe(["step Add", "step Add", "step Add", "undo UndoAdd"]);
    }

    [Fact]
    public async Task An_undo_and_a_reconcile_carry_the_key_of_their_step()
    {
        List<string> keys = [];
        string other = "";
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(s =>
            {
                other = s.IdempotencyKey;
                return Task.CompletedTask;
            }, name: "other");
            await flow.Step(
                async s =>
                {
                    await Note(keys, s.IdempotencyKey);
                    return s.Attempt == 1 ? throw new TimeoutException("silence") : "receipt";
                },
                undo: s => Note(keys, s.IdempotencyKey),
                reconcile: async s =>
                {
                    await Note(keys, s.IdempotencyKey);
                    return (string?)null;
                },
                retry: Quick, name: "charge");
            throw new RejectedException("no");
        }));

        await Should.ThrowAsync<FlowFailedException>(() => host.Perdure.Flow<int, NoResult>("f").RunAsync(0).Soon());
        keys.Count.ShouldBe(4); // two attempts, the question between them, the undo
        keys.Distinct().ShouldHaveSingleItem().ShouldNotBe(other);
    }

    [Fact]
    public async Task A_rejection_undoes_nothing_also_after_an_attempt_of_unknown_outcome()
    {
        List<string> undone = [];
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(s => Task.FromException(s.Attempt == 1 ? new TimeoutException("silence") : new RejectedException("declined")), undo: () => Note(undone, "charge"), retry: Quick, name: "charge");
        }));

        (await Should.ThrowAsync<FlowFailedException>(() => host.Perdure.Flow<int, NoResult>("f").RunAsync(0).Soon())).Error.Kind.ShouldBe(ErrorKind.Rejected);
        undone.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_reconcile_finds_is_not_attempted_again_so_that_no_rejection_hides_it_from_undo()
    {
        int attempts = 0;
        List<string> undone = [];
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(() => Task.FromException<string>(++attempts == 1 ? new TimeoutException("silence") : new RejectedException("charged before")),
                undo: receipt => Note(undone, receipt), reconcile: () => Task.FromResult<string?>("receipt"), retry: Quick, name: "charge");
            throw new RejectedException("no");
        }));

        await Should.ThrowAsync<FlowFailedException>(() => host.Perdure.Flow<int, NoResult>("f").RunAsync(0).Soon());
        attempts.ShouldBe(1);
        undone.ShouldBe(["receipt"]);
    }

    [Fact]
    public async Task A_reconcile_that_fails_is_asked_again_and_uses_up_no_attempt()
    {
        int attempts = 0;
        int asked = 0;
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
            await flow.Step(() => Task.FromException<string>(++attempts == 1 ? new TimeoutException("silence") : new IOException("down")),
                reconcile: () => ++asked < 5 ? Task.FromException<string?>(new IOException("later")) : Task.FromResult<string?>(null), retry: Quick, name: "charge")));

        FlowFailedException failure = await Should.ThrowAsync<FlowFailedException>(() => host.Perdure.Flow<int, string>("f").RunAsync(0).Soon());
        failure.Error.Kind.ShouldBe(ErrorKind.Permanent);
        (attempts, asked).ShouldBe((3, 5));
    }

    [Fact]
    public async Task A_flow_ends_only_when_steps_that_nobody_awaits_have()
    {
        var gate = new TaskCompletionSource();
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", (int input, FlowContext flow) =>
        {
            _ = BackgroundAsync(flow);
            return Task.FromResult(input);
        }));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(5, "1");
        (await run.UntilAsync(d => d.Asks.Count == 2)).Status.ShouldBe(FlowStatus.Running);

        gate.SetResult();

        (await run.ResultAsync().Soon()).ShouldBe(5);
        (await run.DescribeAsync()).Asks.Select(a => $"{a.Name} {a.State}").ShouldBe(["one completed", "two completed"]);

        async Task BackgroundAsync(FlowContext flow)
        {
            await flow.Step(() => Task.CompletedTask, name: "one");
            await flow.Step(() => gate.Task, name: "two");
        }
    }

    private StepTests.Adder Self() => new();

    private static Task<int> AddAsync(int a, int b) => Task.FromResult(a + b);

    private static Task UndoAddAsync(int sum) => Task.FromResult(sum);

    private static Task Note(List<string> list, string what)
    {
        list.Add(what);
        return Task.CompletedTask;
    }

    private sealed class Adder
    {
        public Task<int> AddAsync(int a, int b) => Task.FromResult(a + b);
    }

    private sealed class Scoped : IDisposable
    {
        private static int _made;

        public static int Disposed { get; private set; }

        public int Number { get; } = Interlocked.Increment(ref _made);

        public void Dispose() => Disposed++;
    }
}
