using Npgsql;

namespace Perdure.Postgres;

/// <summary>Statements and their parameters.</summary>
internal static class Sql
{
    public static NpgsqlBatchCommand Of(string text, params NpgsqlParameter[] parameters)
    {
        NpgsqlBatchCommand command = new(text);
        Array.ForEach(parameters, parameter => command.Parameters.Add(parameter));
        return command;
    }

    public static NpgsqlParameter Value<T>(T value) => new NpgsqlParameter<T> { TypedValue = value };
}
