"""What is inside a net: what was recorded of its layers, and its first weights."""

from xpnet.data import Dataset
from xpnet.nets import FullyConnectedNet
from xpnet.report.figures import figure, note
from xpnet.report.markup import Child, Markup, tag
from xpnet.report.page import Section
from xpnet.report.pixels import weights_uri
from xpnet.report.run_record import RunRecord
from xpnet.report.watched import watched_figures

__all__ = ["layers_section"]


def layers_section(run: RunRecord) -> Section:
    """Return the section."""
    parts: list[Child] = []
    if run.watch is not None:
        parts.append(tag("div", watched_figures(run.watch), class_="grid"))
    else:
        parts.append(
            note(
                "Activations, gradients, dead units and update ratios were not recorded: train "
                "with ",
                *(tag("code", "--watch"), " to have them here."),
            )
        )
    if run.net is not None and run.data is not None:
        parts.append(_first_layer(run.net, run.data))
    return Section("layers", "Inside the net", parts)


def _first_layer(net: FullyConnectedNet, data: Dataset) -> Markup | None:
    """Return the first layer's weights as pictures, where the inputs are such."""
    found = weights_uri(net, data)
    if found is None:
        return None
    uri, width, height = found
    units = net.layer_sizes[1]
    kind = "hidden unit" if net.num_layers > 1 else "output"
    shown = f"the first 100 of {units:,}" if units > 100 else f"all {units:,}"
    image = tag(
        "img",
        src=uri,
        width=width,
        height=height,
        class_="weights",
        alt=f"The weights of {shown} {kind}s as pictures",
    )
    caption = f"A picture for each {kind}, {shown}, each stretched from its lowest weight, "
    caption += "black, to its highest. Structure is something learnt; noise that stays is too "
    caption += "little training, or too little regularisation."
    return figure("first-layer", image, caption=caption, wide=True)
