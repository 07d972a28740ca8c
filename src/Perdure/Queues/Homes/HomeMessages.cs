using Perdure.Cluster;
using Perdure.Engine;
using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>Something that a queues' home is told. While the home recovers it waits.</summary>
internal abstract class HomeMessage : Message
{
    public override bool CanWait => true;

    protected Home Home => Shard.Home!;

    /// <summary>Whether it waits while the store is known to be down.</summary>
    protected virtual bool WaitsForStore => true;

    /// <summary>Whether there may be many in a row, for which the home need not be pumped one by one.</summary>
    protected virtual bool ComesInCrowds => false;

    public sealed override void Handle()
    {
        if (!WaitsForStore && Shard.Recovery.Down is { } reason)
        {
            Fail(reason);
        }
        else if (!Shard.Recovery.Holds(this))
        {
            DeliverAndPump(Home);
        }
    }

    protected abstract void Deliver();

    /// <summary>Delivers it, and sees to it that what it changed takes effect.</summary>
    private void DeliverAndPump(Home home)
    {
        if (!ComesInCrowds)
        {
            home.PumpWhatIsOwed(); // it finds the home as if each had been pumped for
            Deliver();
            home.Pump();
            return;
        }

        Deliver();
        if (home.Shard.Commits.HasOpen)
        {
            home.OwesPump = true; // until the batch is sealed: what it lets start could not leave before
        }
        else
        {
            home.Pump();
        }
    }
}

/// <summary>Attempts have led to something.</summary>
internal sealed class JobReported(long number, JobReport report) : HomeMessage
{
    public override void GoElsewhere() => Shard.Node.Jobs.Taken(number); // who has the home now runs it again

    protected override bool ComesInCrowds => true;

    protected override void Deliver() => Home.Outcomes.Take(number, report);
}

/// <summary>A subscriber leaves a job, or somebody cancels it for all.</summary>
internal sealed class CancelJob(long number, int? subscriber, string reason) : HomeCall<CancelAnswer>
{
    public override string What => $"cancelling job {number:x}";

    protected override CallText Text => CallText.Of("cancel", (number, subscriber, reason));

    protected override void Deliver() => AnswerThen(Home.Subscriptions.Cancel(number, subscriber, reason));
}

/// <summary>The time has come to look at the home.</summary>
internal sealed class HomeDue : HomeMessage
{
    protected override void Deliver() => Home.Due();
}

/// <summary>A message came through the home's inbox.</summary>
internal sealed class HomeInboxArrived(InboxRow row) : HomeMessage, IFromInbox
{
    protected override bool ComesInCrowds => row.Kind is MessageKind.HomeCall or MessageKind.JobsRan;

    protected override void Deliver()
    {
        if (Shard.Inbox.Take(row.Id))
        {
            switch (row.Kind)
            {
                case MessageKind.PublishEvent:
                    Home.Topics.Publish(row);
                    break;
                case MessageKind.AwaitEvent:
                    Home.Topics.Waits.Await(row);
                    break;
                case MessageKind.ReturnEvent:
                    Home.Topics.Waits.Returned(row);
                    break;
                case MessageKind.HomeCall:
                    Home.Calls.Take(row);
                    break;
                case MessageKind.StopWaiting:
                    Home.Calls.Stop(row);
                    break;
                case MessageKind.JobsRan:
                    Home.Nodes.Ran(row);
                    break;
                case MessageKind.Offer:
                    Home.Nodes.Offered(row);
                    break;
                default:
                    Home.Flows.Take(row);
                    break;
            }
        }
    }
}
