using Perdure.Shared;

namespace Perdure.Testing.Tests.Guide;

public sealed class GuideTests
{
    [Fact]
    public void The_guide_shows_the_code_of_these_tests_and_all_of_it()
        => GuideCode.Differences("docs/guides/testing.md", "tests/Perdure.Testing.Tests").ShouldBeEmpty();
}
