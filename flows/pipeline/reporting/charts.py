"""The charts of the page, as SVG: made once, here, so that the page needs no script.

Colours are the colour-blind-safe pair blue and orange with grey between (Okabe and Ito, 2008);
every colour is said in words, too.
"""

from __future__ import annotations

import altair as alt
import polars as pl
import vl_convert

OWN_WINS, EVEN, OWN_LOSES = "#0072b2", "#9aa5b1", "#d55e00"
_INK, _GRID, _FONT = "#1f2933", "#e4e7eb", "system-ui, sans-serif"
_ROW = 34
_WIDTH = 400


def index_by_competitor(price_index: pl.DataFrame, everyone: str) -> str:
    """Draw the index against each competitor as dots around 100, the dearest market first."""
    data = price_index.drop_nulls("index_own_over_market_mean").with_columns(
        market=pl.col("market").replace("all", everyone),
        whole=pl.col("market") == "all",
    )
    if data.is_empty():
        return ""
    order = data.sort("whole", "index_own_over_market_mean", descending=True)["market"].to_list()
    values = data["index_own_over_market_mean"]
    low, high = min(97.0, float(values.min()) - 3), max(103.0, float(values.max()) + 3)  # type: ignore[arg-type]
    base = alt.Chart(_rows(data, ["market", "index_own_over_market_mean", "whole"])).encode(
        y=alt.Y("market:N", sort=order, title=None)
    )
    x = alt.X(
        "index_own_over_market_mean:Q", scale=alt.Scale(domain=[low, high], zero=False), title=None
    )
    colour = (
        alt.when(alt.datum.index_own_over_market_mean > 100)
        .then(alt.value(OWN_LOSES))
        .otherwise(alt.value(OWN_WINS))
    )
    even = alt.Chart(_rows(pl.DataFrame({"at": [100.0]}), ["at"])).mark_rule(
        color=_INK, strokeDash=[3, 3]
    )
    chart = (
        even.encode(x=alt.X("at:Q", scale=alt.Scale(domain=[low, high], zero=False)))
        + base.mark_rule(strokeWidth=2).encode(x=x, x2=alt.datum(100), color=colour)
        + base.mark_circle(size=130, opacity=1).encode(x=x, color=colour)
        + base.mark_text(dy=-13, fontWeight=600).encode(
            x=x, text=alt.Text("index_own_over_market_mean:Q", format=".1f")
        )
    )
    return _svg(chart, data.height)


def outcomes_by_competitor(outcomes: pl.DataFrame, everyone: str) -> str:
    """Draw win, tie and lose shares as one bar for each competitor."""
    if outcomes.is_empty():
        return ""
    data = outcomes.with_columns(market=pl.col("market").replace("all", everyone)).with_row_index(
        "place"
    )
    order = data["market"].to_list()
    long = pl.concat(
        [
            data.select(
                "market", share=f"{name}_share", outcome=pl.lit(label), rank=pl.lit(rank, pl.Int64)
            )
            for rank, (name, label) in enumerate(
                (("win", "own cheaper"), ("tie", "same price"), ("lose", "own dearer"))
            )
        ]
    )
    chart = (
        alt.Chart(_rows(long, long.columns))
        .mark_bar(height=18)
        .encode(
            y=alt.Y("market:N", sort=order, title=None),
            x=alt.X("share:Q", stack="normalize", axis=alt.Axis(format="%"), title=None),
            order=alt.Order("rank:Q"),
            color=alt.Color(
                "outcome:N",
                scale=alt.Scale(
                    domain=["own cheaper", "same price", "own dearer"],
                    range=[OWN_WINS, EVEN, OWN_LOSES],
                ),
                legend=alt.Legend(orient="top", title=None),
            ),
        )
    )
    return _svg(chart, data.height)


def index_distribution(position: pl.DataFrame) -> str:
    """Draw how many products stand at which index; the ends are gathered."""
    if position.is_empty():
        return ""
    low, high, step = 60, 160, 4
    binned = (
        position.select(
            bin=(
                (pl.col("index_own_over_market").clip(low, high - 0.001) / step).floor() * step
            ).cast(pl.Int64)
        )
        .group_by("bin")
        .len("products")
        .sort("bin")
        .with_columns(end=pl.col("bin") + step, dear=pl.col("bin") >= 100)
    )
    chart = (
        alt.Chart(_rows(binned, binned.columns))
        .mark_bar()
        .encode(
            x=alt.X(
                "bin:Q",
                bin="binned",
                title="own price / market mean × 100",
                scale=alt.Scale(domain=[low, high]),
            ),
            x2="end:Q",
            y=alt.Y("products:Q", title="products"),
            color=alt.when(alt.datum.dear)
            .then(alt.value(OWN_LOSES))
            .otherwise(alt.value(OWN_WINS)),
        )
    )
    return _svg(chart, 6)


def _rows(frame: pl.DataFrame, columns: list[str]) -> alt.InlineData:
    return alt.InlineData(values=frame.select(columns).to_dicts())


def _svg(chart: alt.Chart | alt.LayerChart, rows: int) -> str:
    styled = (
        chart.properties(width=_WIDTH, height=max(90, rows * _ROW))
        .configure(font=_FONT, background="transparent")
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=_INK,
            titleColor=_INK,
            gridColor=_GRID,
            domain=False,
            ticks=False,
            labelLimit=220,
            labelFontSize=12,
            labelPadding=8,
        )
        .configure_legend(labelColor=_INK, labelFontSize=12)
        .configure_text(color=_INK)
    )
    svg: str = vl_convert.vegalite_to_svg(styled.to_dict(validate=False))
    # Scales with the page; the picture itself is described beside it.
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
