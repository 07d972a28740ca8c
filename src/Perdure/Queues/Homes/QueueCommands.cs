using Perdure.Cluster;
using Perdure.Serialization;

namespace Perdure.Queues;

/// <summary>Pauses, drains or resumes a queue.</summary>
internal sealed class SetQueueMode(string queue, QueueMode mode) : HomeCall<bool>
{
    public override string What => $"queue {queue}";

    protected override CallText Text => CallText.Of("mode", (queue, mode));

    protected override void Deliver()
    {
        Home.Queues.SetMode(queue, mode);
        AnswerThen(true);
    }
}

/// <summary>Asks for a queue's policy as it is now. The answer must not be changed.</summary>
internal sealed class ReadPolicy(string queue) : HomeCall<QueueOptions>
{
    public override string What => $"queue {queue}";

    protected override CallText Text => CallText.Of("policy", queue);

    protected override void Deliver() => AnswerThen(Home.Queues.Policy(queue));
}

/// <summary>Changes a queue's policy. The answer is whether it was still the one that the change is based on.</summary>
internal sealed class ChangePolicy(string queue, QueueOptions from, QueueOptions to) : HomeCall<bool>
{
    public override string What => $"the policy of queue {queue}";

    protected override CallText Text => CallText.Of("change-policy", (queue, from, to));

    protected override void Deliver()
    {
        bool isCurrent = FlowJson.SerializeAnswer(Home.Queues.Policy(queue)).AsSpan().SequenceEqual(FlowJson.SerializeAnswer(from));
        if (isCurrent)
        {
            Home.Queues.SetPolicy(queue, to);
        }

        AnswerThen(isCurrent);
    }
}

/// <summary>Takes a queue's policy from the configuration again.</summary>
internal sealed class ResetPolicy(string queue) : HomeCall<bool>
{
    public override string What => $"the policy of queue {queue}";

    protected override CallText Text => CallText.Of("reset-policy", queue);

    protected override void Deliver()
    {
        Home.Queues.ResetPolicy(queue);
        AnswerThen(true);
    }
}

/// <summary>Asks how a queue does.</summary>
internal sealed class ReadStats(string queue, int? priority) : HomeCall<QueueStats>
{
    public override string What => $"queue {queue}";

    protected override CallText Text => CallText.Of("stats", (queue, priority));

    protected override void Deliver() => AnswerThen(Home.Queues.Stats(queue, priority));
}

/// <summary>Describes jobs that have not ended; null for those that have.</summary>
internal sealed class DescribeJobs(IReadOnlyList<long> numbers) : HomeCall<JobInfo?[]>
{
    public override string What => "describing jobs";

    protected override CallText Text => CallText.Of("describe-many", numbers);

    protected override void Deliver() => AnswerThen([.. numbers.Select(n => Home.Find(n) is { } job ? JobInfos.Of(job) : null)]);
}

/// <summary>Cancels jobs for all who want them. The answer is how many.</summary>
internal sealed class CancelJobs(IReadOnlyList<long> numbers, JobStatus? status, string reason) : HomeCall<int>
{
    public override string What => $"cancelling {numbers.Count} jobs";

    protected override CallText Text => CallText.Of("cancel-many", (numbers, status, reason));

    protected override void Deliver()
    {
        int count = 0;
        foreach (long number in numbers)
        {
            if (Home.Find(number) is { IsCancelling: false } job && (status is null || job.Status == status))
            {
                Home.Subscriptions.Cancel(number, subscriber: null, reason);
                count++;
            }
        }

        AnswerThen(count);
    }
}
