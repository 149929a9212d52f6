"""Parameters and state of any model: taken out, copied, and put back."""

from typing import Any

from xpnet.backends import backend_of
from xpnet.nets import Net, Variables

__all__ = ["copied", "put_into_model", "variables_of"]


def variables_of(model: Any) -> Variables:
    """Return a model's parameters, and the state if it is a net of ours."""
    return Variables(model.params, model.state if isinstance(model, Net) else {})


def copied(variables: Variables) -> Variables:
    """Return copies, which no step will write into."""
    return Variables(
        *({name: backend_of(w).copy(w) for name, w in part.items()} for part in variables)
    )


def put_into_model(model: Any, variables: Variables) -> None:
    """Bind the model's parameters and state anew."""
    model.params.update(variables.params)
    if isinstance(model, Net):
        model.state = dict(variables.state)
