import pytest

from xpnet.choices import choices_text
from xpnet.initializers import INITIALIZERS
from xpnet.layers import ACTIVATIONS
from xpnet.losses import LOSSES
from xpnet.nets.hidden import NORMALIZATIONS
from xpnet.optim import RULES
from xpnet.preprocessing import PREPROCESSORS
from xpnet.schedules import SCHEDULES
from xpnet.train import main


def test_every_choice_has_a_line():
    lines = [line.split() for line in choices_text().splitlines()]
    entries = {words[0]: words[1:] for words in lines if words}
    forms = [kind.form.split("[")[0] for kind in PREPROCESSORS.values()]
    names = (*ACTIVATIONS, "maxout", *NORMALIZATIONS, *INITIALIZERS, *LOSSES, *RULES, *SCHEDULES)
    for name in names:
        assert len(entries[name]) > 1, name
    for form in forms:
        assert any(entry.startswith(form) for entry in entries)
    assert max(map(len, choices_text().splitlines())) <= 98


def test_devices_say_what_is_here():
    text = choices_text()
    assert "NumPy" in text
    assert "not here: " in text or "CuPy" in text


def test_list_prints_them_and_ends(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--list"])
    assert not ended.value.code
    assert capsys.readouterr().out == choices_text() + "\n"
