namespace Perdure.Postgres;

/// <summary>What is set for one transaction, as its first statement, so that it holds behind any pooler and nobody else's transaction gets it.</summary>
/// <remarks>
/// Prepared statements are planned once per connection, perhaps when the tables were still empty, and a plan that reads a whole table would stay when a
/// million rows have come. Each hot statement has an index to go by, so it is told to: no plan but the one by the index, and the same one each time.
/// </remarks>
internal static class Guidance
{
    /// <summary>For statements that must go by an index.</summary>
    public const string OfReads =
        """
        SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
               set_config('plan_cache_mode', 'force_generic_plan', true), set_config('jit', 'off', true)
        """;

    /// <summary>For commits: the same, and they are on disk when they are answered, whatever the server's default.</summary>
    public const string OfCommits =
        """
        SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
               set_config('plan_cache_mode', 'force_generic_plan', true), set_config('jit', 'off', true),
               CASE WHEN current_setting('synchronous_commit') IN ('off', 'local') THEN set_config('synchronous_commit', 'on', true) END
        """;
}
