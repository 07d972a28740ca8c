using System.Text;
using Perdure.Storage;

namespace Perdure.Simulation.Stores;

/// <summary>What a batch says of jobs and events, in words.</summary>
internal static class JobLines
{
    public static string Of(ShardBatch batch)
    {
        string news = string.Join(' ', batch.NewJobs.Select(j => $"+{j.Queue}-{j.Number:x}={Text(j.Payload)} {StateOf(j.State)}"));
        string states = string.Join(' ', batch.JobUpdates.Select(u => $"{u.Number:x}:{Text(u.Payload)} {StateOf(u.State)}"));
        string ends = string.Join(' ', batch.JobEnds.Select(e => $"={e.Number:x} {e.Status} {Text(e.Result)}"));
        string gone = string.Join(' ', batch.EndedJobs.Select(n => $"-{n:x}"));
        string memos = string.Join(' ', batch.Memos.Select(m => $"{m.Name}={Text(m.Value)}"));
        string events = string.Join(' ', batch.NewEvents.Select(e => $"*{e.Topic}/{e.Position} {e.Type} {e.Key} {e.State.Fate} {Text(e.Data)}"));
        string fates = string.Join(' ', batch.EventUpdates.Select(u => $"{u.Topic}/{u.Position}:{u.State.Fate}"));
        string deliveries = string.Join(' ', batch.Deliveries.Select(d => $"{d.Topic}/{d.Position}@{d.Subscription}.{d.Generation} {d.Status}"));
        string waits = string.Join(' ', [.. batch.EventWaits.Select(w => $"?{w.Flow.Flow}#{w.Flow.Ask} {w.Type}/{w.Key}"), .. batch.EndedEventWaits.Select(w => $"!{w.Flow}#{w.Ask}")]);
        string forgotten = string.Join(' ', batch.ForgottenEvents.Select(f => $"~{f.Topic}/{f.UpTo}"));
        return $" {news} {states} {ends} {gone} {memos} {events} {fates} {deliveries} {waits} {forgotten}";
    }

    private static string StateOf(JobState state) => $"({state.Priority} {state.NotBefore:T} {state.Attempts} {Text(state.More)})";

    private static string Text(byte[]? json) => json is null ? "" : Encoding.UTF8.GetString(json);
}
