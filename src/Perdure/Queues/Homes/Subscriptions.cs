
namespace Perdure.Queues;

/// <summary>Who wants a job: joins, leaves, and the limits on how long. A job that the last one has left is cancelled.</summary>
internal sealed class Subscriptions(Home home)
{
    public static Subscriber Of(NewJob wanted, int number, DateTimeOffset now, bool hasNoSay = false) => new()
    {
        Number = number,
        Priority = wanted.Priority,
        Until = wanted.Limit is { } limit ? StoredTimes.Up(wanted.Since ?? now, limit) : null,
        Limit = wanted.Flow is null ? null : wanted.Limit,
        FlowType = wanted.Flow?.Flow.Type,
        FlowId = wanted.Flow?.Flow.Id,
        Ask = wanted.Flow?.Ask ?? 0,
        HasNoSay = hasNoSay,
    };

    /// <summary>Adds somebody who wants a job that is there.</summary>
    /// <returns>The number of the subscription.</returns>
    public int Join(Job job, NewJob wanted, DateTimeOffset now, bool hasNoSay = false)
    {
        JobMore more = job.More ??= new JobMore();
        more.Subscribers ??= [new Subscriber { Priority = job.Priority }];
        Subscriber subscriber = Of(wanted, more.SubscriberCount++, now, hasNoSay);
        more.Subscribers.Add(subscriber);
        home.Flows.Know(job);
        if (subscriber.Until is { } until)
        {
            home.Times.Add(job.Number, until);
        }

        Reprioritize(job);
        home.Write(job);
        return subscriber.Number;
    }

    /// <summary>Sets the times at which a job must be looked at for its limits.</summary>
    public void Watch(Job job)
    {
        if (job.More is not { } more)
        {
            return;
        }

        foreach (DateTimeOffset? at in (more.Subscribers?.Select(s => s.Until) ?? []).Append(more.ExpireAt).Append(more.Lease is { Node: 0 } lease ? lease.Until + Leases.Margin : null))
        {
            if (at is { } time)
            {
                home.Times.Add(job.Number, time);
            }
        }
    }

    /// <summary>Looks at a job's limits.</summary>
    /// <returns>Whether it has ended.</returns>
    public bool Due(Job job, DateTimeOffset now)
    {
        if (job.More is not { } more)
        {
            return false;
        }

        if (job.Phase != JobPhase.Running && Expires(job, now))
        {
            return true;
        }

        foreach (Subscriber late in more.Subscribers?.Where(s => s.Until <= now).ToList() ?? [])
        {
            if (Leave(job, late.Number, $"its limit of {late.Until - job.CreatedAt} was reached", isLate: true) && home.Find(job.Number) != job)
            {
                return true;
            }
        }

        return home.Leases.Due(job, now);
    }

    /// <summary>Makes a dead letter of a job that is not done in time, and that no worker has.</summary>
    /// <returns>Whether it was late.</returns>
    public bool Expires(Job job, DateTimeOffset now)
    {
        bool isLate = job.More?.ExpireAt <= now;
        if (isLate)
        {
            home.Outcomes.Expired(job);
        }

        return isLate;
    }

    /// <summary>A subscriber leaves; without one, all do.</summary>
    public CancelAnswer Cancel(long number, int? subscriber, string reason)
    {
        if (home.Find(number) is not { } job)
        {
            return CancelAnswer.AlreadyEnded;
        }

        if (subscriber is { } one)
        {
            return Leave(job, one, reason, isLate: false) ? CancelAnswer.Accepted : CancelAnswer.AlreadyEnded;
        }

        Stop(job, reason);
        return CancelAnswer.Accepted;
    }

    /// <summary>Takes a subscriber off; the job is cancelled if it was the last.</summary>
    /// <returns>Whether it was there.</returns>
    public bool Leave(Job job, int number, string reason, bool isLate)
    {
        if (job.IsCancelling)
        {
            return true; // twice is as good as once
        }

        List<Subscriber>? all = job.More?.Subscribers;
        Subscriber? leaving = all?.Find(s => s.Number == number);
        if (all is null ? number != 0 : leaving is null)
        {
            return false;
        }

        if (leaving is not null)
        {
            if (isLate)
            {
                home.Flows.LimitReached(job, leaving);
            }

            all!.Remove(leaving);
        }

        home.Waiters.Left(job, number, isLate ? leaving!.Until!.Value - job.CreatedAt : null);
        if (all is null || all.TrueForAll(s => s.HasNoSay))
        {
            Stop(job, reason);
        }
        else
        {
            Reprioritize(job);
            home.Write(job);
        }

        return true;
    }

    /// <summary>Nobody wants a job any more: it goes, or its worker is told.</summary>
    private void Stop(Job job, string reason)
    {
        if (job.IsCancelling)
        {
            return;
        }

        (job.More ??= new JobMore()).CancelReason = reason;
        if (job.Phase != JobPhase.Running)
        {
            home.Outcomes.Cancelled(job);
            return;
        }

        home.Dedups.Remove(job);
        home.Write(job);
        home.Shard.Commits.Then(new Engine.ActionEffect(() => home.Node.Jobs.Cancel(job.Number)));
        home.Nodes.Cancel(job);
        home.Flows.Cancel(job);
        home.Followers.Progressed(job);
    }

    private void Reprioritize(Job job)
    {
        int? best = job.More!.Subscribers!.Where(s => !s.HasNoSay).Min(s => (int?)s.Priority); // none for one that is being cancelled
        if (best is { } priority && priority != job.Priority)
        {
            job.Priority = priority;
            if (job.Phase == JobPhase.Waiting)
            {
                home.Dispatcher.PriorityChanged(job);
            }
        }
    }
}
