namespace Perdure.Simulation.Plans;

/// <summary>What a planned flow is started with: the seed of its plan, and how deep the plan may nest.</summary>
internal sealed record PlanInput(long Seed, int Depth);

/// <summary>Types of the flows that the simulator runs.</summary>
internal static class PlanTypes
{
    /// <summary>A random plan; a version of the code has plans of its own.</summary>
    public const string Plan = "plan";

    /// <summary>Steps in a row, whose code somebody edits without giving it a new version.</summary>
    public const string Edited = "edited";

    /// <summary>A random plan that calls jobs.</summary>
    public const string Calling = "calling";

    /// <summary>Does the jobs of a queue.</summary>
    public const string Errand = "errand";

    /// <summary>A random plan that waits for events and publishes some.</summary>
    public const string Listening = "listening";

    /// <summary>The same, started by an event.</summary>
    public const string Opening = "opening";

    /// <summary>Listens to what becomes of one order, and says when its time is up.</summary>
    public const string Tracking = "tracking";

    /// <summary>Leads an order through the services.</summary>
    public const string Leading = "leading";
}
