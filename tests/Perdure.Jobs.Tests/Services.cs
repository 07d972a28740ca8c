using Microsoft.Extensions.DependencyInjection;

namespace Perdure.Jobs.Tests;

internal static class Services
{
    public static TimeProvider GetTime(this IServiceProvider services) => services.GetRequiredService<TimeProvider>();

}
