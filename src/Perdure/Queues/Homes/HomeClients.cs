namespace Perdure.Queues;

/// <summary>The clients who wait for something of a home, all together.</summary>
internal sealed class HomeClients(Home home)
{
    /// <summary>Whether a client waits for something that takes time.</summary>
    public bool AreWaiting => home.Waiters.Awaited.Any() || !home.Followers.IsEmpty || !home.Leases.IsEmpty;

    /// <summary>The shard stops, or forgets: whoever waits for a message that it holds back is told.</summary>
    public void Fail(PerdureException reason)
    {
        home.Intake.Fail(reason);
        home.Waiters.Fail(reason);
        home.Followers.Fail(reason);
        home.Leases.Fail(reason);
        home.Gauges.Clear();
    }

    /// <summary>The home lives on another node from now on: what clients here wait for they ask there.</summary>
    public void Leave(PerdureException reason)
    {
        home.Node.Jobs.Abandon(a => a.Given is null); // who has the home next runs them again
        home.Calls.Clear();
        home.Nodes.Clear();
        home.Gauges.Clear();
        List<JobWaiter> waiters = home.Waiters.TakeAll();
        waiters.FindAll(w => !w.IsAwaited).ForEach(w => w.Fail(reason)); // whoever wants to know asks anew
        HomeAsk[] asks = [.. waiters.Where(w => w.IsAwaited), .. home.Followers.TakeAll(), .. home.Leases.TakeAll(), .. home.Intake.TakeAll(), .. home.Ends.TakeAll()];
        Array.ForEach(asks, a => a.GoElsewhere());
    }

    /// <summary>Tells the clients who wait that it will not come; for tests.</summary>
    /// <returns>Whether there were any.</returns>
    public bool GiveUp(Func<string, Exception> reason)
    {
        List<JobWaiter> waiters = [.. home.Waiters.Awaited];
        waiters.ForEach(home.Waiters.Remove);
        List<JobFollower> followers = home.Followers.TakeAll();
        List<PullJobs> pulls = home.Leases.TakeAll();
        waiters.ForEach(w => w.GiveUp(reason(w.Id)));
        followers.ForEach(f => f.GiveUp(reason(JobId.Text("job", f.Number))));
        pulls.ForEach(p => p.GiveUp(reason(p.What)));
        return waiters.Count + followers.Count + pulls.Count > 0;
    }
}
