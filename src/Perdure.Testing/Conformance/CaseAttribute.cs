namespace Perdure.Testing.Conformance;

/// <summary>A fact with these arguments is one check.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class CaseAttribute(params object[] arguments) : Attribute
{
    public object[] Arguments { get; } = arguments;
}
