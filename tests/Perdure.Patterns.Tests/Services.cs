namespace Perdure.Patterns.Tests;

// What the flows call. Each call begins, and ends when the test says so.

public sealed class Shop(World world) : Service(world)
{
    public Task<string[]> LinesAsync(string order) => ReplyAsync<string[]>(order);

    public Task ReserveAsync(string item) => DoAsync(item);

    public Task ReleaseAsync(string item) => DoAsync(item);

    public Task AssembleAsync(string item, CancellationToken stop) => DoAsync(item, stop);

    public Task<int> OfferAsync(string supplier, CancellationToken stop) => ReplyAsync<int>(supplier, stop);

    public Task BuyAsync(int price) => DoAsync(price);

    public Task PackAsync(string order) => DoAsync(order);

    public Task ShipAsync(string order) => DoAsync(order);

    public Task BillAsync(string order) => DoAsync(order);

    public Task BookAsync(string order) => DoAsync(order);

    public Task AskForReviewAsync(string order) => DoAsync(order);

    public Task LabelAsync(string parcel) => DoAsync(parcel);

    public Task<int> WeighAsync(string order) => ReplyAsync<int>(order);

    public Task<string> ChargeAsync(string order) => ReplyAsync<string>(order);
}

public sealed class Insurer(World world) : Service(world)
{
    public Task InterviewAsync(string witness) => DoAsync(witness);

    public Task EstimateAsync(string accident) => DoAsync(accident);

    public Task ExamineAsync(string accident) => DoAsync(accident);

    public Task ExpertAsync(string accident) => DoAsync(accident);

    public Task<bool> NeedsExpertAsync(string accident) => ReplyAsync<bool>(accident);

    public Task<bool> IsCoveredAsync(string claim) => ReplyAsync<bool>(claim);

    public Task<bool> IsCompleteAsync(string claim) => ReplyAsync<bool>(claim);

    public Task RegisterAsync(string claim) => DoAsync(claim);

    public Task PayAsync(string claim) => DoAsync(claim);

    public Task DeclineAsync(string claim) => DoAsync(claim);

    public Task<string> AcceptAsync(string claim) => ReplyAsync<string>(claim);

    public Task<string> RefuseAsync(string claim) => ReplyAsync<string>(claim);

    public Task WriteAsync(string letter) => DoAsync(letter);
}

public sealed class Dispatcher(World world) : Service(world)
{
    public Task RespondAsync(int alarm) => DoAsync(alarm);

    public Task FireBrigadeAsync(string place) => DoAsync(place);

    public Task AmbulanceAsync(string place) => DoAsync(place);

    public Task PoliceAsync(string place) => DoAsync(place);
}

public sealed class Agency(World world) : Service(world)
{
    public Task<string> HotelAsync(string town, CancellationToken stop) => ReplyAsync<string>(town, stop);

    public Task<string> HostelAsync(string town, CancellationToken stop) => ReplyAsync<string>(town, stop);

    public Task<string> FlightAsync(string trip) => ReplyAsync<string>(trip);

    public Task<string> CarAsync(string trip) => ReplyAsync<string>(trip);

    public Task SendAsync(string tickets) => DoAsync(tickets);
}

public sealed class Site(World world) : Service(world)
{
    public Task MakeAsync(string part) => DoAsync(part);

    public Task JoinAsync(string parts) => DoAsync(parts);

    public Task ClearAsync(string plot) => DoAsync(plot);

    public Task DrainAsync(string plot) => DoAsync(plot);

    public Task InspectAsync(string part) => DoAsync(part);

    public Task ReportAsync(string part) => DoAsync(part);

    public Task<int> AssembleAsync(string part) => ReplyAsync<int>(part);
}

public sealed class Clinic(World world) : Service(world)
{
    public Task DrawBloodAsync(string patient) => DoAsync(patient);

    public Task DressAsync(string patient) => DoAsync(patient);

    public Task ListenAsync(string patient) => DoAsync(patient);

    public Task RecordAsync(string patient) => DoAsync(patient);

    public Task VisitAsync(string station) => DoAsync(station);

    public Task ReportAsync() => DoAsync();

    public Task<int> DonateAsync(string donor) => ReplyAsync<int>(donor);

    public Task OperateAsync() => DoAsync();

    public Task PulseAsync(string patient) => DoAsync(patient);

    public Task BreathAsync(string patient) => DoAsync(patient);

    public Task TreatAsync(string patient) => DoAsync(patient);
}

public sealed class Press(World world) : Service(world)
{
    public Task MailAsync(string reader) => DoAsync(reader);

    public Task ArchiveAsync(string what) => DoAsync(what);

    public Task<int> ReviewAsync(string referee) => ReplyAsync<int>(referee);

    public Task<int> DecideAsync(int marks) => ReplyAsync<int>(marks);

    public Task PrintAsync(string title) => DoAsync(title);

    public Task<bool> HasRightsAsync(string title) => ReplyAsync<bool>(title);

    public Task DisputeAsync(string title) => DoAsync(title);

    public Task DrawAsync(string title) => DoAsync(title);

    public Task<bool> LacksFactsAsync(string report) => ReplyAsync<bool>(report);

    public Task ResearchAsync(string report) => DoAsync(report);

    public Task DraftAsync(string report) => DoAsync(report);

    public Task<bool> IsGoodAsync(string report) => ReplyAsync<bool>(report);
}

public sealed class Broker(World world) : Service(world)
{
    public Task<bool> ShowAsync(string buyer, CancellationToken stop) => ReplyAsync<bool>(buyer, stop);

    public Task AdvertiseAsync(string house, CancellationToken stop) => DoAsync(house, stop);
}

public sealed class Office(World world) : Service(world)
{
    public Task BookAsync(string payment) => DoAsync(payment);

    public Task AnswerAsync(string reason) => DoAsync(reason);

    public Task RemindAsync(string invoice) => DoAsync(invoice);

    public Task<string> AskAsync(string person, CancellationToken stop) => ReplyAsync<string>(person, stop);

    public Task<string> SurveyAsync(string person) => ReplyAsync<string>(person);

    public Task SumUpAsync(string answers) => DoAsync(answers);

    public Task PublishAsync() => DoAsync();

    public Task PrintAsync(string copy) => DoAsync(copy);

    public Task<bool> SignAsync(string copy) => ReplyAsync<bool>(copy);
}

public sealed class Lab(World world) : Service(world)
{
    public Task PrepareAsync(string sample) => DoAsync(sample);

    public Task HeatAsync(string sample) => DoAsync(sample);

    public Task CoolAsync(string sample) => DoAsync(sample);

    public Task MeasureAsync(string sample) => DoAsync(sample);
}

public sealed class Farm(World world) : Service(world)
{
    public Task WaterAsync(string plants) => DoAsync(plants);

    public Task OpenWindowAsync(string house) => DoAsync(house);

    public Task LoadAsync(string field) => DoAsync(field);
}

public sealed class Bank(World world) : Service(world)
{
    public Task<bool> CheckPersonAsync(string loan) => ReplyAsync<bool>(loan);

    public Task RateAsync(string loan, CancellationToken stop) => DoAsync(loan, stop);

    public Task ValueAsync(string loan) => DoAsync(loan);

    public Task OfferAsync(string loan, CancellationToken stop) => DoAsync(loan, stop);

    public Task<string> ApproveAsync(string credit, CancellationToken stop) => ReplyAsync<string>(credit, stop);

    public Task ArchiveAsync(string paper) => DoAsync(paper);
}

public sealed class Garage(World world) : Service(world)
{
    public Task RepairAsync(string car, CancellationToken stop) => DoAsync(car, stop);

    public Task ReportAsync() => DoAsync();
}

public sealed class Jury(World world) : Service(world)
{
    public Task MarkAsync(string dive) => DoAsync(dive);

    public Task AnnounceAsync(string what) => DoAsync(what);
}

public sealed class Plant(World world) : Service(world)
{
    public Task FillAsync(int bottle) => DoAsync(bottle);

    public Task PackAsync(int crate) => DoAsync(crate);
}
