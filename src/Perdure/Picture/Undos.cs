namespace Perdure.Picture;

/// <summary>Finds which step an undo undoes, as far as history says.</summary>
/// <remarks>
/// History has an undo's name alone. It is its step's where the step has that name. The others are known where each step that may be meant
/// is undone: then each undo is the one of the step that ended last before it. Else it is not said: a guess would be a lie some day.
/// </remarks>
internal static class Undos
{
    /// <param name="asks">What one flow asked for, in the order of asking; changed in place.</param>
    public static void Pair(List<TransactionEntry> asks)
    {
        List<int> undos = [.. Enumerable.Range(0, asks.Count).Where(i => asks[i].Kind == TransactionEntryKind.Undo)];
        if (undos.Count == 0)
        {
            return;
        }

        DateTimeOffset last = asks[undos[^1]].At;
        List<int> steps = [.. Enumerable.Range(0, asks.Count).Where(i => MayBeUndone(asks[i], last)).OrderByDescending(i => asks[i].EndedAt).ThenByDescending(i => i)];
        undos.RemoveAll(undo => TryLink(asks, steps, undo, step => step.Name == asks[undo].Name));
        if (undos.Count == steps.Count)
        {
            undos.RemoveAll(undo => TryLink(asks, steps, undo, _ => true));
        }
    }

    /// <summary>Whether a step may have happened, and had ended when the last undo began.</summary>
    private static bool MayBeUndone(TransactionEntry step, DateTimeOffset last)
        => step is { Kind: TransactionEntryKind.Step, EndedAt: { } ended } && ended <= last && step.Error is null or { Kind: not ErrorKind.Rejected, Happened: not false };

    private static bool TryLink(List<TransactionEntry> asks, List<int> steps, int undo, Func<TransactionEntry, bool> fits)
    {
        int found = steps.FindIndex(s => asks[s].EndedAt <= asks[undo].At && fits(asks[s]));
        if (found < 0)
        {
            return false;
        }

        int step = steps[found];
        steps.RemoveAt(found);
        asks[undo] = asks[undo] with { Undoes = asks[step].Id };
        asks[step] = asks[step] with { UndoneBy = asks[undo].Id };
        return true;
    }
}
