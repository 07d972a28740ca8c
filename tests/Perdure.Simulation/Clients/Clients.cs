using System.Globalization;
using Perdure.Engine;
using Perdure.Simulation.Plans;
using Perdure.Simulation.Processes;
using Perdure.Simulation.Seen;
using Perdure.Storage;
using Perdure.Testing.Virtual;

namespace Perdure.Simulation.Clients;

/// <summary>Those who start flows (most of them of a special type, where there is one), send them signals, cancel them, and want to know how they end. Each call goes to any process, and is asked again when nobody answers.</summary>
internal sealed class Clients(World world, NodeProcesses cluster, Observed observed, ReplayRandom chance, string? special)
{
    private const string Unavailable = "unavailable";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private int _signals;

    /// <summary>Whether calls are made that only make a mess (none once faults have stopped).</summary>
    public bool IsCalm { get; set; }

    /// <summary>Whether somebody was told to wait longer than he can.</summary>
    public bool GaveUp { get; set; }

    /// <summary>What becomes of one flow's clients, from its start to its end.</summary>
    public async Task FollowAsync(int number, TimeSpan within)
    {
        await PauseAsync((int)within.TotalMilliseconds);
        string type = special is not null && chance.Next(3) > 0 ? special : chance.Next(6) == 0 ? PlanTypes.Edited : PlanTypes.Plan;
        var input = new PlanInput(chance.NextInt64(1L << 40), chance.Next(1, 4));
        var key = new FlowKey(type, string.Create(CultureInfo.InvariantCulture, $"f{number}"));
        List<Task> all = [StartAsync(key, input)];
        if (chance.Next(3) == 0)
        {
            all.Add(StartAsync(key, chance.Next(4) == 0 ? input with { Seed = input.Seed + 1 } : input));
        }

        for (int signals = chance.Next(5); signals > 0; signals--)
        {
            all.Add(SignalAsync(key));
        }

        if (chance.Next(5) == 0)
        {
            all.Add(CancelAsync(key));
        }

        if (chance.Next(20) == 0)
        {
            all.Add(TerminateAsync(key));
        }

        if (chance.Next(3) == 0)
        {
            all.Add(DescribeAsync(key));
        }

        all.Add(ResultAsync(key));
        await Task.WhenAll(all);
    }

    public async Task<bool> AskAsync(ClientVerb verb, FlowKey key, Func<FlowHandle, Task<string?>> ask, string? value = null, string? senderId = null)
        => (await CallAsync(verb, key, (_, handle) => ask(handle), value, senderId)).IsDone;

    private async Task StartAsync(FlowKey key, PlanInput input)
    {
        ClientCall call;
        do
        {
            call = await CallAsync(ClientVerb.Start, key, async (client, _) =>
            {
                var options = new StartOptions { WhenExists = WhenExists.JoinIfSame };
                await client.Flow<PlanInput, string>(key.Type).StartAsync(input, key.Id, options);
                return null;
            }, value: input.Seed.ToString(CultureInfo.InvariantCulture));
        }
        while (IsUnanswered(call) && await AgainAsync());
    }

    private async Task SignalAsync(FlowKey key)
    {
        await ComeAsync(chance.Next(2) == 0 ? 2_000 : 60_000);
        string name = $"n{chance.Next(2)}";
        string value = string.Create(CultureInfo.InvariantCulture, $"{name}:{++_signals}");
        string? sender = chance.Next(3) == 0 ? null : value;
        int times = sender is not null && chance.Next(3) == 0 ? 2 : 1;
        for (int sent = 0; sent < times;)
        {
            if (sent == 1)
            {
                await ComeAsync(30_000);
            }

            ClientCall call = await CallAsync(ClientVerb.Signal, key, async (_, handle) =>
            {
                await handle.SignalAsync(value, name, sender);
                return null;
            }, value, sender);
            if (call.IsDone && ++sent == 2)
            {
                observed.Mark("a signal was sent twice");
            }

            bool isOver = call.Error is Diagnostics.ErrorCodes.FlowEnded || (call.Error is Diagnostics.ErrorCodes.FlowNotFound && chance.Next(2) == 0) || (sender is null && !call.IsDone);
            if (isOver || (!call.IsDone && !await AgainAsync()))
            {
                return;
            }
        }
    }

    private async Task CancelAsync(FlowKey key)
    {
        await ComeAsync(30_000);
        for (int i = 0; i < 3; i++)
        {
            ClientCall call = await CallAsync(ClientVerb.Cancel, key, async (_, handle) => (await handle.CancelAsync("a client's cancel")).ToString());
            if (call.IsDone || !await AgainAsync())
            {
                return;
            }
        }
    }

    private async Task TerminateAsync(FlowKey key)
    {
        await ComeAsync(60_000);
        await AskAsync(ClientVerb.Terminate, key, async handle =>
        {
            await handle.TerminateAsync("a client's end");
            return null;
        });
    }

    private async Task DescribeAsync(FlowKey key)
    {
        await ComeAsync(60_000);
        await AskAsync(ClientVerb.Describe, key, async handle => (await handle.DescribeAsync()).Status.ToString());
    }

    private async Task ResultAsync(FlowKey key)
    {
        ClientCall call;
        do
        {
            call = await CallAsync(ClientVerb.Result, key, async (client, _) => await client.Flow<PlanInput, string>(key.Type).Get(key.Id).ResultAsync());
        }
        while ((IsUnanswered(call) || call.Error == Diagnostics.ErrorCodes.FlowNotFound) && await AgainAsync());
    }

    /// <summary>Makes a call in some process, and writes down what came of it.</summary>
    private async Task<ClientCall> CallAsync(ClientVerb verb, FlowKey key, Func<PerdureClient, FlowHandle, Task<string?>> ask, string? value = null, string? senderId = null)
    {
        Process? process;
        while ((process = cluster.Any()) is null)
        {
            await PauseAsync(2_000);
        }

        var call = new ClientCall(observed.Next(), process.Name, verb, key) { Value = value, SenderId = senderId };
        observed.Calls.Add(call);
        world.Trace.Note($"{process.Name} is asked: {verb} {key} {value}");
        Task<string?> answer = process.Place.Start(() => ask(process.Client, process.Client.Get(key.Type, key.Id)));
        await Task.WhenAny(answer, Task.Delay(Patience, world.Outside.Time));
        if (!answer.IsCompleted)
        {
            return call;
        }

        try
        {
            call.Answer = await answer;
        }
        catch (PerdureException e)
        {
            call.Error = e is StoreUnavailableException ? Unavailable : e.Code;
        }

        call.AnswerOrder = observed.Next();
        world.Trace.Note($"{process.Name} answers: {verb} {key} {call.Answer} {call.Error}");
        return call;
    }

    /// <summary>Whether nobody can say what became of a call.</summary>
    private static bool IsUnanswered(ClientCall call)
        => call.AnswerOrder == 0 || call.Error is Unavailable or Diagnostics.ErrorCodes.StoreFailed or Diagnostics.ErrorCodes.NotStarted;

    private async Task<bool> AgainAsync()
    {
        await PauseAsync(IsCalm ? 500 : 5_000);
        return !GaveUp;
    }

    /// <summary>Waits for a while; one in four does not wait.</summary>
    private Task ComeAsync(int millisecondsMax) => PauseAsync(chance.Next(4) == 0 ? 8 : millisecondsMax);

    private Task PauseAsync(int millisecondsMax) => Task.Delay(TimeSpan.FromMilliseconds(chance.Next(millisecondsMax)), world.Outside.Time);
}
