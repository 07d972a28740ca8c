using System.Globalization;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks;

/// <summary>No step, undo or reconcile is called before the batch is durable in which the flow asked for it, nor after its outcome is by the same owner.</summary>
internal sealed class CommitFirstChecker() : Checker("commit before effect")
{
    protected override void Check()
    {
        Dictionary<string, List<AskStory>> asks = Story.Runs.Values.ToDictionary(r => r.Key.ToString(), r => r.Asks(), StringComparer.Ordinal);
        foreach (Effect effect in Observed.Effects)
        {
            // The key is flow/ask-chance, for an undo that of its step.
            int ask = AskOf(effect.Key);
            AskStory? asked = asks.GetValueOrDefault(effect.Flow.ToString())?.ElementAtOrDefault(ask);
            MustHold(asked is { Kind: 'S' } && asked.Name == effect.Step && asked.In.DecidedOrder < effect.Order,
                $"{effect.Kind} of {effect.Step} in {effect.Flow} began in {effect.Process} before it was durable that the flow asks for it");
            if (effect.Kind == EffectKind.Undo)
            {
                bool isAsked = asks.GetValueOrDefault(effect.Flow.ToString())?.Exists(a => a.Kind == 'U' && a.Name == effect.Step && a.In.DecidedOrder < effect.Order) ?? false;
                MustHold(isAsked, $"the undo of {effect.Step} in {effect.Flow} began before it was durable that the flow asks for it");
            }
        }
    }

    public static int AskOf(string key)
    {
        int dash = key.LastIndexOf('-');
        int slash = key.LastIndexOf('/');
        return int.Parse(key.AsSpan(slash + 1, dash - slash - 1), CultureInfo.InvariantCulture);
    }
}
