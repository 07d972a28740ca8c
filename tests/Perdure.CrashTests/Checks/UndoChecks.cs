using System.Text.Json;
using Perdure.CrashTests.Victim.Plans;

namespace Perdure.CrashTests.Checks;

/// <summary>What was done is undone in reverse: a run's undos are those of a stack that its history fills.</summary>
internal static class UndoChecks
{
    public static IEnumerable<string> Check(Story story, FlowPlan plan)
    {
        var check = new Replay(story, plan);
        check.Run();
        return check.Complaints;
    }

    private sealed class Replay(Story story, FlowPlan plan)
    {
        private readonly Dictionary<string, PlannedStep> _steps = plan.Steps.ToDictionary(s => s.Name);
        private readonly HashSet<string> _onUndo = plan.Steps.Where(s => s.OnUndo is not null).Select(s => s.OnUndo!.Name).ToHashSet();
        private readonly Stack<string> _undo = new();
        private StoredAsk? _undoing;
        private bool _pivotPassed;
        private int _asked;

        public List<string> Complaints { get; } = [];

        public void Run()
        {
            foreach (StoredInput input in story.Run.History)
            {
                if (input.Ask >= 0 && input.Ask < _asked && story.Asks[input.Ask] is { Kind: StoredAsk.Step } ask)
                {
                    Answer(_steps[ask.Name], input);
                }

                foreach (string line in input.Lines)
                {
                    Read(line, input);
                }
            }

            if (story.Run.Status is StoredRun.Failed or StoredRun.Cancelled && _undo.Count > 0)
            {
                Complaints.Add($"it did not complete, and never undid {string.Join(", ", _undo)}");
            }
        }

        private void Answer(PlannedStep step, StoredInput input)
        {
            bool mayHaveHappened = input.Kind == StoredInput.Completed || MayHaveHappened(input);
            bool isUndone = input.Kind == StoredInput.Completed ? step.Undo != UndoKind.None : step.Undo == UndoKind.Always && mayHaveHappened;
            if (input.Kind == StoredInput.Completed && step.IsPivot)
            {
                PassPivot();
            }

            if (isUndone && !_pivotPassed)
            {
                _undo.Push(step.Name);
            }

            if (input.Kind == StoredInput.Completed && step.OnUndo is { } other && !_pivotPassed)
            {
                _undo.Push(other.Name);
            }
        }

        private static bool MayHaveHappened(StoredInput input)
        {
            using JsonDocument error = JsonDocument.Parse(input.Payload!);
            bool isRejected = error.RootElement.GetProperty("kind").GetString() == nameof(ErrorKind.Rejected);
            bool didNot = error.RootElement.TryGetProperty("happened", out JsonElement happened) && !happened.GetBoolean();
            return !isRejected && !didNot;
        }

        private void Read(string line, StoredInput input)
        {
            if (line == "P")
            {
                PassPivot();
            }
            else if (line.Length > 2 && line[1] == ' ')
            {
                StoredAsk ask = story.Asks[_asked++];
                if (ask.Kind == StoredAsk.Undo || _onUndo.Contains(ask.Name))
                {
                    Undo(ask, input);
                }
            }
        }

        private void Undo(StoredAsk ask, StoredInput input)
        {
            if (!_undo.TryPop(out string? due) || due != ask.Name)
            {
                Complaints.Add($"row {input.Position} undoes {ask.Name}, and what is to be undone next is {due ?? "nothing"}");
            }

            if (_undoing is { } before && (before.Answer is null || before.Answer.Position > input.Position))
            {
                Complaints.Add($"row {input.Position} undoes {ask.Name} before {before.Name} is undone");
            }

            _undoing = ask;
        }

        private void PassPivot()
        {
            _pivotPassed = true;
            _undo.Clear();
        }
    }
}
