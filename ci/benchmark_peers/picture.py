"""The results as a picture: a bar for each peer, a panel for each workload."""

from pathlib import Path
from statistics import median

from benchmark_peers import PEERS
from benchmark_peers.table import compile_seconds, reference_of

__all__ = ["draw"]

# Okabe and Ito's colours, which people tell apart who see colours differently
_OURS, _PEERS, _YARDSTICK, _FLOOR = "#0072B2", "#999999", "#E69F00", "#000000"


def draw(found: dict, path: Path) -> bool:
    """Draw µs a step with their range, and return whether matplotlib and results are here."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - it may be missing
    except ImportError:
        return False
    results = found["results"]
    if not results:
        return False
    heights = [sum("us" in peer for peer in r["peers"].values()) for r in results]
    figure = Figure(figsize=(9, 1.2 + sum(0.27 * n + 0.9 for n in heights)), layout="constrained")
    axes = figure.subplots(len(results), 1, squeeze=False, height_ratios=heights)[:, 0]
    for panel, result in zip(axes, results, strict=True):
        _panel(panel, result)
    axes[-1].set_xlabel("µs a step, batch included: median of the rounds, smallest to largest")
    head = f"{found['machine']}, {found['gpu'] or 'CPU alone'}\ncommit {found['commit']}"
    figure.suptitle(f"{head}, {found['date']}; blue: xpnet, orange: the yardstick", fontsize=10)
    figure.savefig(path, dpi=110)
    return True


def _panel(panel: object, result: dict) -> None:
    peers = result["peers"]
    ran = sorted((n for n in peers if "us" in peers[n]), key=lambda n: -median(peers[n]["us"]))
    middles = [median(peers[n]["us"]) for n in ran]
    low = [m - min(peers[n]["us"]) for n, m in zip(ran, middles, strict=True)]
    high = [max(peers[n]["us"]) - m for n, m in zip(ran, middles, strict=True)]
    colors = [_color(name, reference_of(result)) for name in ran]
    labels = [PEERS[name].label.replace("**", "") for name in ran]
    panel.barh(labels, middles, color=colors, xerr=[low, high], ecolor="black", capsize=2)
    panel.axvline(median(peers[reference_of(result)]["us"]), color=_YARDSTICK, lw=1, ls="--")
    for row, (name, middle, up) in enumerate(zip(ran, middles, high, strict=True)):
        compiled = compile_seconds(result, peers[name])
        note = f" {middle:,.0f}" + (f"  (compiles {compiled:.0f} s)" if compiled >= 1 else "")
        panel.text(middle + up, row, note, va="center", fontsize=8)
    panel.set_xlim(0, 1.3 * max(m + h for m, h in zip(middles, high, strict=True)))
    threads = f"{result['threads']} thread{'s' if result['threads'] > 1 else ''}"
    panel.set_title(
        f"{result['label']}, {result['net']}, batch {result['batch_size']}, float32, {threads}",
        fontsize=10,
        loc="left",
    )
    panel.tick_params(labelsize=8)
    panel.spines[["top", "right"]].set_visible(False)


def _color(name: str, reference: str) -> str:
    if name == reference:
        return _YARDSTICK
    if name == "products":
        return _FLOOR
    return _OURS if name.startswith("xpnet") else _PEERS
