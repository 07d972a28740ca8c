using System.Globalization;
using System.Text;
using Npgsql;

namespace Perdure.Postgres.Reading;

/// <summary>Conditions on rows that depend on what is asked, each with <c>AND</c> in front, and the parameters of the question.</summary>
internal sealed class Conditions
{
    private readonly List<NpgsqlParameter> _parameters = [];
    private readonly StringBuilder _text = new();

    public NpgsqlParameter[] Parameters => [.. _parameters];

    /// <summary>Adds a parameter, and gives what stands for it.</summary>
    public string Add<T>(T value)
    {
        _parameters.Add(Sql.Value(value));
        return string.Create(CultureInfo.InvariantCulture, $"${_parameters.Count}");
    }

    public Conditions And(string condition)
    {
        _text.Append(" AND ").Append(condition);
        return this;
    }

    /// <summary>A condition on a text; none where none is asked for.</summary>
    public Conditions AndText(string comparison, string? text) => text is null ? this : And($"{comparison} {Add(text)}");

    /// <summary>A condition on a time; none where none is asked for.</summary>
    public Conditions AndTime(string comparison, DateTimeOffset? time) => time is { } some ? And($"{comparison} {Add(Row.Bound(some))}") : this;

    /// <summary>Rows of a business transaction, found by their index; none where none is asked for.</summary>
    public Conditions AndCorrelation(string table, string? correlation)
    {
        if (correlation is null)
        {
            return this;
        }

        string parameter = Add(correlation);
        return And($"{table}.correlation = {parameter}").And($"hashtextextended({table}.correlation, 0) = hashtextextended({parameter}, 0)");
    }

    public override string ToString() => _text.ToString();
}
