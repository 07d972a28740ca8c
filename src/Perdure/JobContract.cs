namespace Perdure;

/// <summary>What holds for all jobs of one type: how their keys are found, and their defaults.</summary>
/// <typeparam name="TJob">The job.</typeparam>
public sealed class JobContract<TJob>
{
    /// <summary>Finds a job's key; null for none.</summary>
    public Func<TJob, string?>? Key { get; set; }

    /// <summary>Finds what is the same for jobs that are one and the same; null for none.</summary>
    public Func<TJob, string?>? DedupKey { get; set; }

    /// <summary>What to do when a job with the same dedup key is there; <see cref="Perdure.Dedup.Join"/> by default.</summary>
    public Dedup Dedup { get; set; } = Dedup.Join;

    /// <summary>
    /// With <see cref="Perdure.Dedup.Replace"/>: makes one job of the waiting one and the new one. When it gives back the waiting one itself, that stands
    /// as it is, and the caller joins it. Null drops both, as if neither had been wanted; but where an attempt of the waiting one may have done its work
    /// (its outcome is unknown), the new one takes its place all the same.
    /// </summary>
    public Func<TJob, TJob, TJob?>? Merge { get; set; }

    /// <summary>Finds a job's priority; the queue's where it is null.</summary>
    public Func<TJob, int?>? Priority { get; set; }

    /// <summary>The defaults of its other options.</summary>
    public JobOptions Options { get; set; } = new();
}
