namespace Perdure.Simulation.Orders;

/// <summary>Where an order may stand.</summary>
internal enum OrderState
{
    None,
    Pending,
    Approved,
    Rejected,
}

/// <summary>Where its ticket may stand; one that is withdrawn before it is there is never made.</summary>
internal enum TicketState
{
    None,
    Pending,
    AwaitingAcceptance,
    Rejected,
}

/// <summary>Where the right to its money may stand.</summary>
internal enum CardState
{
    None,
    Pending,
    Authorized,
    Failed,
    Voided,
}

/// <summary>What the services know of one order. Each of its steps is one local transaction of one service, and all that they did stays visible.</summary>
internal sealed class OrderBook(bool consumerMay, bool kitchenCan, bool cardWorks)
{
    private readonly HashSet<string> _joined = [];
    private string? _decidedBy;
    private string? _joinedLast;
    private bool _chargeLeft;
    private bool? _ticketAnswer;

    /// <summary>Where the order stood, one after the other.</summary>
    public List<OrderState> Order { get; } = [OrderState.None];

    public List<TicketState> Ticket { get; } = [TicketState.None];

    public List<CardState> Card { get; } = [CardState.None];

    public int Charges { get; private set; }

    public int Refunds { get; private set; }

    /// <summary>What was taken back, in order.</summary>
    public List<string> TakenBack { get; } = [];

    public bool ConsumerMay => consumerMay;

    public bool AllSayYes => consumerMay && kitchenCan && cardWorks;

    public bool TimedOut => _decidedBy == "order-late";

    public void Place()
    {
        if (Order[^1] == OrderState.None)
        {
            Order.Add(OrderState.Pending);
        }
    }

    /// <returns>Whether it was decided by this; the same when it comes again.</returns>
    public bool Decide(OrderState end, string because)
    {
        if (Order[^1] == OrderState.Pending)
        {
            Order.Add(end);
            _decidedBy = because;
            if (end == OrderState.Rejected)
            {
                TakenBack.Add("order");
            }
        }

        return Order[^1] == end && _decidedBy == because;
    }

    /// <returns>Whether the kitchen says yes; the same when it is asked again.</returns>
    public bool CreateTicket()
    {
        _ticketAnswer ??= kitchenCan && Ticket[^1] == TicketState.None;
        if (_ticketAnswer.Value && Ticket[^1] == TicketState.None)
        {
            Ticket.Add(TicketState.Pending);
        }

        return _ticketAnswer.Value;
    }

    public void ConfirmTicket()
    {
        if (Ticket[^1] == TicketState.Pending)
        {
            Ticket.Add(TicketState.AwaitingAcceptance);
        }
    }

    /// <summary>Takes the ticket back, also a confirmed one if the order was late; one that is not there yet is refused when it comes.</summary>
    public void WithdrawTicket(bool isLate)
    {
        if (Ticket[^1] == TicketState.Pending || (isLate && Ticket[^1] == TicketState.AwaitingAcceptance))
        {
            TakenBack.Add("ticket");
            Ticket.Add(TicketState.Rejected);
        }

        _ticketAnswer ??= false;
    }

    /// <summary>One of the three events that Accounting waits for has come.</summary>
    /// <returns>What is to be done now: nothing; or to charge, perhaps after finding out whether that was done.</returns>
    public (bool IsDue, bool MayBeDone) Join(string what)
    {
        if (_joined.Add(what) && _joined.Count == 3)
        {
            _joinedLast = what;
        }

        if (Card[^1] == CardState.None)
        {
            Card.Add(CardState.Pending);
        }

        bool isDue = _joinedLast == what && Card[^1] != CardState.Voided;
        bool mayBeDone = _chargeLeft;
        _chargeLeft |= isDue;
        return (isDue, mayBeDone);
    }

    /// <summary>Whether the card was charged; null for neither yes nor no.</summary>
    public bool? FindCharge() => Card[^1] switch
    {
        CardState.Authorized => true,
        CardState.Failed or CardState.Voided => false,
        _ => null,
    };

    /// <summary>Charges the card, once for each order.</summary>
    public bool Charge()
    {
        if (FindCharge() is { } done)
        {
            return done;
        }

        Card.Add(cardWorks ? CardState.Authorized : CardState.Failed);
        Charges += cardWorks ? 1 : 0;
        return cardWorks;
    }

    /// <summary>Takes back the right to the money, and the money with it.</summary>
    public void VoidCard()
    {
        if (Card[^1] is CardState.Failed or CardState.Voided)
        {
            return;
        }

        Refunds += Card[^1] == CardState.Authorized ? 1 : 0;
        TakenBack.Add("card");
        Card.Add(CardState.Voided);
    }
}
