using Perdure.Testing.Virtual;

namespace Perdure.Testing.Crashes;

/// <summary>Is current in a scenario, so that each answer which reaches it is a point at which the process may die, the scenario with it.</summary>
internal sealed class AnswerContext(Place place, Course course) : SynchronizationContext
{
    public override void Post(SendOrPostCallback d, object? state) => place.Post(() =>
    {
        course.Point("before an answer reaches the client");
        if (!place.IsDead)
        {
            SetSynchronizationContext(this);
            d(state);
        }
    });

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("A world has one thread: nothing can wait for its own work.");

    public override SynchronizationContext CreateCopy() => this;
}
