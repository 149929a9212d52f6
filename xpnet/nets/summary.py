"""What a net consists of, as a table for people: plain text, or HTML for notebooks."""

import math
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from xpnet.nets.fully_connected import FullyConnectedNet

__all__ = ["Row", "summary_html", "summary_rows", "summary_text"]

_HEAD = ("layer", "output of a sample", "parameters", "state", "memory")


class Row(NamedTuple):
    """A layer of the table, of the whole stack."""

    layer: str
    shape: str  # of its output for one sample
    parameters: int
    state: int  # numbers that are kept and not trained
    memory: int  # bytes of both


def summary_rows(net: "FullyConnectedNet") -> list[Row]:
    """Return a row for each layer of units, from the input on."""
    sizes = net.layer_sizes
    members = net.members or 1
    sizes_of = [net.backend.xp.finfo(dtype).bits // 8 for dtype in (net.dtype, net.compute_dtype)]
    shapes, states = net.shapes(), net.state_shapes()
    rows = []
    for i in range(1, net.num_layers + 1):
        parameters, state = counts = [members * _count(of, i) for of in (shapes, states)]
        memory = sum(size * count for size, count in zip(sizes_of, counts, strict=True))
        rows.append(Row(_layer_text(net, i), f"({sizes[i]},)", parameters, state, memory))
    return rows


def summary_text(net: "FullyConnectedNet") -> str:
    """Return the table as plain text."""
    lines = [_HEAD, *(_cells(row) for row in summary_rows(net)), _totals(net)]
    widths = [max(len(line[c]) for line in lines) for c in range(len(_HEAD))]
    drawn = [
        "  ".join(
            cell.ljust(width) if c < 2 else cell.rjust(width)
            for c, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    rule = "-" * max(map(len, drawn))
    return "\n".join([repr(net), rule, drawn[0], rule, *drawn[1:-1], rule, drawn[-1]])


def summary_html(net: "FullyConnectedNet") -> str:
    """Return the table as HTML."""
    from html import escape  # noqa: PLC0415 - 2 ms that notebooks alone need

    def line(cells: tuple[str, ...], tag: str) -> str:
        aligned = ("left", "left", "right", "right", "right")
        return "".join(
            f'<{tag} style="text-align:{side}">{escape(cell)}</{tag}>'
            for cell, side in zip(cells, aligned, strict=True)
        )

    body = "".join(f"<tr>{line(_cells(row), 'td')}</tr>" for row in summary_rows(net))
    return (
        f"<table><caption>{escape(repr(net))}</caption>"
        f"<thead><tr>{line(_HEAD, 'th')}</tr></thead><tbody>{body}</tbody>"
        f"<tfoot><tr>{line(_totals(net), 'th')}</tr></tfoot></table>"
    )


def _count(shapes: dict[str, tuple[int, ...]], i: int) -> int:
    """Return how many numbers the arrays of layer `i` hold: those whose names end with it."""
    own = re.compile(rf"\D+{i}")
    return sum(math.prod(shape) for name, shape in shapes.items() if own.fullmatch(name))


def _layer_text(net: "FullyConnectedNet", i: int) -> str:
    sizes = net.layer_sizes
    kind = "maxout" if net.activation == "maxout" and i < net.num_layers else "affine"
    parts = [f"{i}: {kind} {sizes[i - 1]} to {sizes[i]}"]
    if i < net.num_layers:
        parts += [] if net.normalization is None else [net.normalization]
        parts += [] if net.activation == "maxout" else [net.activation]
        parts += [f"dropout, keeps {net.dropout_keep_ratio}"] if net.has_dropout else []
    return ", ".join(parts)


def _cells(row: Row) -> tuple[str, ...]:
    state = f"{row.state:,}" if row.state else ""
    return row.layer, row.shape, f"{row.parameters:,}", state, _size(row.memory)


def _totals(net: "FullyConnectedNet") -> tuple[str, ...]:
    rows = summary_rows(net)
    total = Row(
        "in all" if net.members is None else f"in all {net.members} members",
        "",
        sum(row.parameters for row in rows),
        sum(row.state for row in rows),
        sum(row.memory for row in rows),
    )
    return _cells(total)


def _size(num_bytes: int) -> str:
    """Return a size with three digits or so."""
    size = float(num_bytes)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.3g} GB"
