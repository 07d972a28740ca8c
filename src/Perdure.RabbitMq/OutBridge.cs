using Perdure.Diagnostics;
using Perdure.Events;
using Perdure.Storage;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Perdure.RabbitMq;

/// <summary>
/// Carries a topic's events out. The topic's log is the outbox, and the bridge a subscription to it: an event's job ends when the broker has
/// confirmed the event, and is tried again otherwise. So an event goes out at least once, and the broker's being away fails nothing: jobs wait.
/// </summary>
internal sealed class OutBridge : Bridge
{
    private readonly RabbitMqOut _out;
    private readonly CloudEventMode _mode;
    private volatile TaskCompletionSource<Publisher> _publisher = NewPublisher();

    public OutBridge(RabbitMqOptions options, RabbitMqOut @out)
        : base($"{options.Name}-{@out.Topic}", options)
    {
        _out = @out;
        _mode = @out.Mode ?? options.Mode;
        Subscription = new BridgeSubscription(Name, @out.Topic, new BridgeHandler(PublishAsync), @out.Queue);
    }

    public BridgeSubscription Subscription { get; }

    protected override async Task ServeAsync(Session session)
    {
        IChannel channel = await session.OpenChannelAsync(confirms: true);
        if (_out.Declare)
        {
            await channel.ExchangeDeclareAsync(_out.Exchange, _out.ExchangeType, durable: true, autoDelete: false, cancellationToken: session.Ended);
        }

        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (session.Ended.UnsafeRegister(static s => ((TaskCompletionSource)s!).TrySetResult(), ended))
        {
            _publisher.SetResult(new Publisher(session, channel));
            IsUp();
            await ended.Task;
            _publisher = NewPublisher();
        }
    }

    /// <summary>Publishes an event, and completes when the broker has it. Waits while there is no connection.</summary>
    private async Task PublishAsync(EventRow row, JobContext job)
    {
        if (BridgeMark.Of(row) == Options.Name)
        {
            return; // it came in from this broker
        }

        Publisher publisher = await _publisher.Task.WaitAsync(job.CancellationToken);
        using var late = new CancellationTokenSource(_out.ConfirmTimeout, Time);
        using var source = CancellationTokenSource.CreateLinkedTokenSource(job.CancellationToken, publisher.Session.Ended, late.Token);
        string routingKey = "";
        try
        {
            routingKey = _out.RoutingKey(job.Event!);
            EventMessage message = EventMessage.Write(row, _mode, Perdure.Events.StoreId);
            await publisher.Channel.BasicPublishAsync(_out.Exchange, routingKey, _out.Mandatory, message.Properties, message.Body, source.Token);
            PerdureMeter.EventBridgedOut(Name);
        }
        catch (PublishException e)
        {
            throw NotTaken(row, e.IsReturn ? $"no queue gets it: nothing is bound to exchange {_out.Exchange} for routing key {routingKey}" : $"the broker could not keep it in the queues of exchange {_out.Exchange}", e);
        }
        catch (OperationCanceledException e) when (late.IsCancellationRequested && !job.CancellationToken.IsCancellationRequested && !publisher.Session.Ended.IsCancellationRequested)
        {
            var silent = new TimeoutException($"the broker did not confirm it within {_out.ConfirmTimeout}", e);
            publisher.Session.End(silent); // a channel that keeps silent is not to be trusted with the next event
            throw NotTaken(row, silent.Message, e);
        }
        catch (Exception e) when (publisher.Session.Ended.IsCancellationRequested && !job.CancellationToken.IsCancellationRequested)
        {
            throw new PerdureException(ErrorCodes.BrokerUnreachable, $"bridge {Name} lost its connection before event {row.Id} was confirmed: it is published again.", e);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw NotTaken(row, e.Message, e); // it never came to the broker: its routing key is too long, say
        }
    }

    private PerdureException NotTaken(EventRow row, string reason, Exception inner)
    {
        Log.NotTaken(Name, EventRef.Name(row.Topic, row.Position), reason);
        return new PerdureException(ErrorCodes.EventNotTaken, $"the broker did not take event {row.Id}: {reason}.", inner);
    }

    private static TaskCompletionSource<Publisher> NewPublisher() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed record Publisher(Session Session, IChannel Channel);
}
