namespace Perdure.Bench.Runner;

/// <summary>The command line asks for what cannot be had: one line to the user, exit code 2.</summary>
internal sealed class BadArgumentException(string message) : Exception(message);
