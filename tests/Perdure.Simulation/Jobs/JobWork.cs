namespace Perdure.Simulation.Jobs;

/// <summary>The queues of a simulated run, and what their handlers do.</summary>
internal sealed record JobWork(JobPlan Plan, JobService Service);
