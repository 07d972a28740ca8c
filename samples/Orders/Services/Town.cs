namespace Orders.Services;

/// <summary>Who and what there is in town. Each service copies its part into its own file and asks only that.</summary>
internal static class Town
{
    public static readonly IReadOnlyList<Consumer> Consumers =
    [
        new("ada.okafor", 200m), new("amir.petrov", 120m), new("anneke.kim", 60m),
        new("beatriz.lindqvist", 150m), new("bo.chen", 80m), new("carla.schmidt", 200m),
        new("chidi.moreau", 300m), new("daniela.garcia", 300m, Blocked: true), new("dmitri.diallo", 200m),
        new("elif.tanaka", 200m), new("emeka.nilsen", 120m), new("farah.costa", 150m),
        new("felix.haddad", 150m), new("grace.rossi", 150m), new("hana.ivanova", 120m),
        new("henrik.silva", 80m), new("ines.kaya", 80m), new("ivan.brandt", 40m),
        new("jamal.novak", 80m), new("jun.osei", 150m, Blocked: true), new("kavita.okafor", 150m),
        new("lars.petrov", 80m), new("leila.kim", 100m), new("luca.lindqvist", 80m),
        new("mara.chen", 40m), new("mateo.schmidt", 60m), new("mei.moreau", 40m),
        new("nadia.garcia", 120m), new("noor.diallo", 300m), new("olga.tanaka", 200m),
        new("omar.nilsen", 150m), new("petra.costa", 40m), new("quentin.haddad", 200m),
        new("rosa.rossi", 60m, Blocked: true), new("sanjay.ivanova", 150m), new("sofia.silva", 80m),
        new("tomas.kaya", 60m), new("uma.brandt", 60m), new("viktor.novak", 100m),
        new("wren.osei", 80m), new("yara.okafor", 300m), new("zoe.petrov", 150m),
    ];

    public static readonly IReadOnlyList<Restaurant> Restaurants =
    [
        new("ajanta", "Ajanta", ["Samosa", "Chicken Vindaloo", "Lamb Rogan Josh", "Saag Paneer", "Garlic Naan", "Mango Lassi"]),
        new("zaytoon", "Zaytoon", ["Mezze Platter", "Falafel Wrap", "Lamb Kofta", "Fattoush", "Baklava"]),
        new("sushi-zone", "Sushi Zone", ["Salmon Nigiri", "Spicy Tuna Roll", "Chirashi Bowl", "Miso Soup", "Edamame"]),
        new("la-taqueria", "La Taqueria", ["Carnitas Taco", "Super Burrito", "Quesadilla", "Guacamole", "Horchata"]),
        new("nonna-pia", "Nonna Pia", ["Margherita", "Quattro Formaggi", "Lasagne", "Tiramisu", "Burrata"]),
        new("golden-wok", "Golden Wok", ["Kung Pao Chicken", "Mapo Tofu", "Dan Dan Noodles", "Spring Rolls", "Fried Rice"]),
        new("le-petit-four", "Le Petit Four", ["Croque Monsieur", "Quiche Lorraine", "Onion Soup", "Tarte au Citron"]),
        new("smokehouse", "The Smokehouse", ["Brisket Plate", "Pulled Pork Roll", "Coleslaw", "Cornbread", "Pecan Pie"]),
        new("pho-79", "Pho 79", ["Pho Bo", "Banh Mi", "Summer Rolls", "Vietnamese Coffee"]),
        new("green-fork", "Green Fork", ["Buddha Bowl", "Lentil Burger", "Kale Caesar", "Ginger Shot"]),
        new("harbour-grill", "Harbour Grill", ["Fish and Chips", "Lobster Roll", "Clam Chowder"], Closed: true),
        new("el-asador", "El Asador", ["Ribeye", "Empanada", "Provoleta"], Closed: true),
    ];

    public static readonly IReadOnlyList<Card> Cards =
    [
        new("mc-1173"), new("amex-1233", CardState.Declined), new("amex-1340"), new("amex-1449"), new("visa-1602"),
        new("mc-1679", CardState.AccountDisabled), new("amex-1855"), new("mc-1891"), new("mc-1973", CardState.Declined), new("amex-2037"),
        new("mc-2119"), new("mc-2209", CardState.Declined), new("mc-2289"), new("visa-2429"), new("mc-2512"),
        new("visa-2652"), new("mc-2826"), new("mc-2842"), new("visa-2942"), new("mc-3023"),
        new("mc-3074"), new("visa-3104"), new("mc-3249"), new("mc-3323"), new("amex-3440"),
        new("amex-3593"), new("amex-3680"), new("amex-3717"), new("mc-3895"), new("visa-3952"),
        new("amex-4013"), new("amex-4058"), new("mc-4223"), new("mc-4266"), new("mc-4342"),
        new("amex-4499"), new("visa-4566"), new("amex-4577"), new("visa-4605"), new("mc-4717", CardState.AccountDisabled),
        new("visa-4738"), new("visa-4896"), new("mc-5066"), new("visa-5097"), new("visa-5127", CardState.Declined),
        new("visa-5188"), new("mc-5244"), new("visa-5283"), new("visa-5362"), new("amex-5388"),
        new("visa-5504"), new("amex-5672"), new("amex-5722"), new("amex-5751"), new("mc-5827"),
        new("mc-5890"), new("visa-5913"), new("amex-5999"),
    ];
}

/// <param name="Name">By which orders name the consumer.</param>
/// <param name="Limit">The most that one order may cost.</param>
/// <param name="Blocked">Whether the consumer may not order at all.</param>
internal sealed record Consumer(string Name, decimal Limit, bool Blocked = false);

internal sealed record Restaurant(string Id, string Name, IReadOnlyList<string> Menu, bool Closed = false);

/// <param name="Token">By which orders name the card; its number stays with the card's bank.</param>
/// <param name="State">What the bank will say.</param>
internal sealed record Card(string Token, CardState State = CardState.Good);

internal enum CardState
{
    Good,
    Declined,
    AccountDisabled,
}
