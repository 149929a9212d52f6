"""The results as Markdown."""

from statistics import median

from benchmark_peers import PEERS
from benchmark_peers.spread import spread
from benchmark_peers.startup import startup_lines
from benchmark_peers.whole_runs import runs_table

__all__ = ["compile_seconds", "ratios", "reference_of", "report", "summary"]

_WORDS = (
    "A step has the drawing, gathering and converting of its batch in it; *ratio* is to the same "
    "round of the yardstick; *cores* is how much of them the process got; *compile* is by how "
    "much the first two rounds were longer; *import* is beside NumPy's; *load* reads the arrays "
    "and makes the net."
)
_HEAD = (
    "| | µs a step | ratio | accuracy | cores | compile s | import s | load s | peak MB |",
    "|---|---|---|---|---|---|---|---|---|",
)


def reference_of(result: dict) -> str:
    """Return the peer that the others are divided by."""
    ran = [name for name, peer in result["peers"].items() if "us" in peer]
    return next((name for name in ("by-hand", "torch-cuda") if name in ran), ran[0])


def ratios(result: dict, name: str) -> list[float]:
    """Return the times of a peer over those of the reference, round by round."""
    peers = result["peers"]
    rounds = zip(peers[name]["us"], peers[reference_of(result)]["us"], strict=True)
    return [own / other for own, other in rounds]


def report(found: dict) -> str:
    """Return all tables."""
    where = f"{found['machine']}; {found['system']}"
    if found["gpu"]:
        where += f"; {found['gpu']}"
    libraries = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    parts = [f"{where}; {libraries}; commit {found['commit']}, {found['date']}."]
    if found["results"]:
        parts.append(_WORDS)
    parts += [_table(result) for result in found["results"]]
    if best := _best_threads(found["results"]):
        parts.append(best)
    parts += [runs_table(result) for result in found["runs"]]
    if "startup" in found:
        parts.append(startup_lines(found["startup"]))
    return "\n\n".join(parts)


def summary(found: dict) -> str:
    """Return one table: µs a step of each peer, by workload, with the ratio to the yardstick."""
    fewest = min(result["threads"] for result in found["results"])
    results = [result for result in found["results"] if result["threads"] == fewest]
    heads = [f"{r['label'].partition(',')[0]}, {r['net']}, {r['batch_size']}" for r in results]
    lines = [f"| µs a step, net, batch | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    names = [n for n in results[0]["peers"] if any("us" in r["peers"].get(n, {}) for r in results)]
    for name in sorted(names, key=lambda n: median(ratios(results[1 % len(results)], n))):
        cells = [
            f"{median(r['peers'][name]['us']):,.0f} ({median(ratios(r, name)):.2f})"
            if "us" in r["peers"][name]
            else "–"
            for r in results
        ]
        lines.append(f"| {PEERS[name].label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _table(result: dict) -> str:
    peers, threads = result["peers"], result["threads"]
    ran = sorted((n for n in peers if "us" in peers[n]), key=lambda n: median(peers[n]["us"]))
    rounds, load = len(peers[ran[0]]["us"]), " to ".join(map(str, result["load"]))
    head = (
        f"**{result['label']}, {result['net']}, batch {result['batch_size']}, float32, "
        f"{threads} thread{'s' if threads > 1 else ''}**: {rounds} rounds of "
        f"{result['steps_per_round']} steps, load {load}; ratio to "
        f"{PEERS[reference_of(result)].label}; test accuracy after {result['epochs']} epochs."
    )
    lines = [head, "", *_HEAD, *(_row(result, name) for name in ran)]
    lines += [
        f"| {PEERS[name].label} | – | {peer['left_out']} | | | | | | |"
        for name, peer in peers.items()
        if "left_out" in peer
    ]
    return "\n".join([*lines, "", _who_wins(result, ran)])


def _row(result: dict, name: str) -> str:
    peer = result["peers"][name]
    accuracy = "" if peer["accuracy"] is None else f"{peer['accuracy']:.3f}"
    cells = [
        PEERS[name].label,
        spread(peer["us"], ",.0f"),
        spread(ratios(result, name), ".2f"),
        accuracy,
        f"{median(peer['cores']):.1f}",
        f"{compile_seconds(result, peer):.1f}",
        f"{peer['import_s']:.2f}",
        f"{peer['load_s']:.2f}",
        f"{peer['peak_mb']:,.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def compile_seconds(result: dict, peer: dict) -> float:
    """Return by how much the rounds that do not count were longer than those that do."""
    usual = median(peer["us"]) * result["steps_per_round"] / 1e6
    return max(0.0, sum(peer["warm_up_s"]) - len(peer["warm_up_s"]) * usual)


def _who_wins(result: dict, ran: list[str]) -> str:
    """Say which peers are faster than ours."""
    ours = [name for name in ran if name.startswith("xpnet")]
    if not ours:
        return "xpnet did not run."
    ahead = [n for n in ran[: ran.index(ours[0])] if n != "products"]
    if not ahead:
        return f"Fastest: {PEERS[ours[0]].label}."
    names = ", ".join(PEERS[name].label for name in ahead)
    return f"Faster than any form of xpnet: {names}."


def _best_threads(results: list[dict]) -> str:
    """Return the fastest number of threads of each peer, where several were tried."""
    tried: dict[str, dict[str, list]] = {}
    for result in results:
        for name, peer in result["peers"].items():
            if "us" in peer:
                row = tried.setdefault(name, {}).setdefault(result["workload"], [])
                row.append((median(peer["us"]), result["threads"]))
    if len({result["threads"] for result in results}) < 2:
        return ""
    keys = list(dict.fromkeys(result["workload"] for result in results))
    lines = ["**µs a step at each peer's best number of threads** (which, in brackets)", ""]
    lines += [f"| | {' | '.join(keys)} |", "|---" * (len(keys) + 1) + "|"]
    for name, row in tried.items():
        cells = [f"{min(row[k])[0]:,.0f} ({min(row[k])[1]})" if k in row else "–" for k in keys]
        lines.append(f"| {PEERS[name].label} | {' | '.join(cells)} |")
    return "\n".join(lines)
