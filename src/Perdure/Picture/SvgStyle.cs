namespace Perdure.Picture;

/// <summary>How pictures look. Each colour pair of text and ground has a contrast of at least 4.5 in both schemes.</summary>
internal static class SvgStyle
{
    /// <summary>Names are kept to the picture's own class, so that it can stand inside a page. Without variables: many viewers of SVG know none.</summary>
    public const string Css = """
        .perdure-picture{font-family:"Segoe UI",Helvetica,Arial,sans-serif}
        .perdure-picture .back{fill:#fff}
        .perdure-picture text{fill:#1f2328}
        .perdure-picture text.muted{fill:#59636e}
        .perdure-picture text.bad{fill:#b3121d}
        .perdure-picture text.halo{paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}
        .perdure-picture .line{fill:none;stroke:#6e7781;stroke-width:1.3}
        .perdure-picture .lane{stroke:#d1d9e0}
        .perdure-picture .dash{stroke-dasharray:5 4}
        .perdure-picture .tip{fill:#6e7781}
        .perdure-picture .box{stroke-width:1.3;fill:#f6f8fa;stroke:#818b98}
        .perdure-picture .flow{fill:#ddf4ff;stroke:#0969da}
        .perdure-picture .event{fill:#dafbe1;stroke:#1a7f37}
        .perdure-picture .job{fill:#fbefff;stroke:#8250df}
        .perdure-picture .handler{fill:#fff1e5;stroke:#bc4c00}
        .perdure-picture .wait{fill:#fff}
        .perdure-picture .undo{fill:#fff8c5;stroke:#9a6700}
        .perdure-picture .bad-box{fill:#ffebe9;stroke:#d1242f;stroke-width:2}
        @media (prefers-color-scheme:dark){
        .perdure-picture .back{fill:#0d1117}
        .perdure-picture text{fill:#f0f6fc}
        .perdure-picture text.muted{fill:#9198a1}
        .perdure-picture text.bad{fill:#ff8f87}
        .perdure-picture text.halo{stroke:#0d1117}
        .perdure-picture .line{stroke:#9198a1}
        .perdure-picture .lane{stroke:#3d444d}
        .perdure-picture .tip{fill:#9198a1}
        .perdure-picture .box{fill:#151b23;stroke:#6e7681}
        .perdure-picture .flow{fill:#0c2240;stroke:#4493f8}
        .perdure-picture .event{fill:#0f2a19;stroke:#3fb950}
        .perdure-picture .job{fill:#231638;stroke:#ab7df8}
        .perdure-picture .handler{fill:#2e1a0b;stroke:#f0883e}
        .perdure-picture .wait{fill:#0d1117}
        .perdure-picture .undo{fill:#2b2208;stroke:#d29922}
        .perdure-picture .bad-box{fill:#351418;stroke:#f85149}
        }

        """;
}
