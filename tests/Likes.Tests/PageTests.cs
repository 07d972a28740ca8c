using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Likes.Tests;

/// <summary>The page in a browser: what it shows, and what it keeps.</summary>
public sealed class PageTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime, IDisposable
{
    private readonly TestFolder _folder = new();
    private LikesHost _host = null!;
    private IBrowserContext _context = null!;
    private IPage _page = null!;

    private ILocator Post => _page.Locator("li[data-post='1']");

    private ILocator Button => Post.GetByRole(AriaRole.Button);

    private ILocator Notices => _page.Locator("#notices p");

    public async Task InitializeAsync()
    {
        _host = await LikesHost.StartAsync(_folder.Path);
        await _host.LikeAsync("bob");       // one like that is not the user's
        _context = await browser.ContextAsync();
        _page = await _context.NewPageAsync();
        await _page.GotoAsync($"{_host.Url}?user=ada&every=100");
        await ReadyAsync();
        await ShowsAsync(liked: false, count: 1, pending: false);
    }

    public async Task DisposeAsync()
    {
        await _context.CloseAsync();
        await _host.DisposeAsync();
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_click_likes_a_post_and_another_one_unlikes_it()
    {
        await Button.ClickAsync();
        await ShowsAsync(liked: true, count: 2, pending: false);
        (await _host.PostOfAsync("ada")).Count.ShouldBe(2);

        await Button.PressAsync("Enter");
        await ShowsAsync(liked: false, count: 1, pending: false);
        (await _host.PostOfAsync("ada")).Count.ShouldBe(1);
    }

    [Fact]
    public async Task K6_a_double_click_is_one_like()
    {
        List<string> sent = [];
        _page.Request += (_, request) =>
        {
            if (request.Method == "POST")
            {
                sent.Add(request.PostData!);
            }
        };

        await Button.DblClickAsync();

        await ShowsAsync(liked: true, count: 2, pending: false);
        sent.ShouldHaveSingleItem();
        _host.Posts.Writes.ShouldBe(2);     // bob's and ada's
    }

    [Fact]
    public async Task K10_what_no_server_holds_the_page_keeps_and_sends_again()
    {
        (_host.Jobs.IsDown, _host.Database.IsDown) = (true, true);
        await Button.ClickAsync();
        await ShowsAsync(liked: true, count: 2, pending: true);
        _host.Posts.Writes.ShouldBe(1);

        (_host.Jobs.IsDown, _host.Database.IsDown) = (false, false);

        await ShowsAsync(liked: true, count: 2, pending: false);
        (await _host.PostOfAsync("ada")).ShouldBe(new Posts.PostInfo("1", "A lighthouse at noon", 2, Liked: true));
    }

    [Fact]
    public async Task K11_a_pending_like_is_laid_over_the_list_after_a_reload()
    {
        await HasCopiesAsync();
        _host.Database.IsDown = true;
        await Button.ClickAsync();
        await ShowsAsync(liked: true, count: 2, pending: true);
        await ReloadAsync();                // the list comes from the page's copy: the database is down
        await ShowsAsync(liked: true, count: 2, pending: true);

        _host.Database.IsDown = false;

        await ShowsAsync(liked: true, count: 2, pending: false);    // not 3
        await ReloadAsync();
        await ShowsAsync(liked: true, count: 2, pending: false);
        _host.Posts.Writes.ShouldBe(2);
    }

    [Fact]
    public async Task K11_a_like_that_the_list_counts_already_is_not_counted_twice()
    {
        (_host.Jobs.IsDown, _host.Database.LostAnswers) = (true, 1_000);   // every like lands, and every answer is lost
        await Button.ClickAsync();
        await ShowsAsync(liked: true, count: 2, pending: true);
        await Deadline.UntilAsync(async () => (await _host.PostOfAsync("ada")).Liked, "the like has landed");

        await ReloadAsync();

        await ShowsAsync(liked: true, count: 2, pending: true);
        (_host.Jobs.IsDown, _host.Database.LostAnswers) = (false, 0);
        await ShowsAsync(liked: true, count: 2, pending: false);
    }

    [Fact]
    public async Task K12_a_like_that_can_never_be_is_rolled_back_and_the_user_told_once()
    {
        _host.Database.IsDown = true;
        await Button.ClickAsync();
        await ShowsAsync(liked: true, count: 2, pending: true);

        (_host.Database.Barred, _host.Database.IsDown) = ("ada", false);

        await ShowsAsync(liked: false, count: 1, pending: false);
        await Expect(Notices).ToHaveTextAsync(["Your click on “A lighthouse at noon” could not be kept: ada may not like posts"]);
        await ReloadAsync();
        await ShowsAsync(liked: false, count: 1, pending: false);
        await Expect(Notices).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_like_made_offline_is_sent_when_the_device_is_online_again()
    {
        await _context.SetOfflineAsync(true);
        await Button.ClickAsync();
        await ShowsAsync(liked: true, count: 2, pending: true);

        await _context.SetOfflineAsync(false);

        await ShowsAsync(liked: true, count: 2, pending: false);
        (await _host.PostOfAsync("ada")).Liked.ShouldBeTrue();
    }

    [Fact]
    public async Task A_like_survives_a_reload_while_the_server_is_down()
    {
        await HasCopiesAsync();
        int port = _host.Url.Port;
        await _host.DisposeAsync();
        await Button.ClickAsync();
        await ShowsAsync(liked: true, count: 2, pending: true);

        await ReloadAsync();
        await ShowsAsync(liked: true, count: 2, pending: true);
        _host = await LikesHost.StartAsync(_folder.Path, port: port);

        await ShowsAsync(liked: true, count: 2, pending: false);
        (await _host.PostOfAsync("ada")).Count.ShouldBe(2);
    }

    /// <summary>The page opens from copies of itself and of the list where it must.</summary>
    private async Task HasCopiesAsync()
    {
        await _page.EvaluateAsync("() => navigator.serviceWorker.ready.then(() => null)");
        await ReloadAsync();
        await ShowsAsync(liked: false, count: 1, pending: false);
    }

    private async Task ReloadAsync()
    {
        await _page.ReloadAsync();
        await ReadyAsync();
    }

    private Task ReadyAsync() => Expect(_page.Locator("body[data-ready]")).ToHaveCountAsync(1);

    private Task ShowsAsync(bool liked, int count, bool pending)
    {
        ILocator shown = _page.Locator($"li[data-post='1']{(pending ? ".pending" : ":not(.pending)")} button[aria-pressed={(liked ? "true" : "false")}]");
        return Expect(shown).ToHaveTextAsync($"♥ {count}");
    }
}

/// <summary>Debian's Chromium, with a profile that is gone afterwards.</summary>
public sealed class Browser : IAsyncLifetime
{
    private const string Chromium = "/usr/bin/chromium";
    private const float Deadline = 10_000;

    private IPlaywright _playwright = null!;
    private IBrowser _browser = null!;

    public async Task InitializeAsync()
    {
        File.Exists(Chromium).ShouldBeTrue($"{Chromium} is missing: run scripts/install-chromium.sh");
        SetDefaultExpectTimeout(Deadline);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Chromium,
            Headless = true,
            Args = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
    }

    public Task<IBrowserContext> ContextAsync() => _browser.NewContextAsync();

    public async Task DisposeAsync()
    {
        await _browser.CloseAsync();
        _playwright.Dispose();
    }
}
