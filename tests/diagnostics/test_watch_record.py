"""The record of a watched training: what it holds, and the file, which damaged is refused."""

import numpy as np
import pytest

import xpnet
from xpnet import InputError
from xpnet.diagnostics import (
    BINS,
    EDGES,
    STATISTICS,
    WATCHED,
    Notice,
    Verdict,
    WatchRecord,
    read_watch,
    write_watch,
)
from xpnet.tensor_files import read_tensors, tensor_bytes

DEAD = Verdict("dead units", "warning", "60% are 0", "less than 50%", "Lower the learning rate")
LAYERS, WEIGHTS = ["hidden 1 (4-5, relu)", "output (5-3)"], ["W1", "W2"]


def make(members=None, looks=3):
    rng = np.random.default_rng(0)
    record = WatchRecord(LAYERS, WEIGHTS, members)
    lead = () if members is None else (members,)
    for i in range(looks):
        found = {name: rng.random((*lead, 2)) for name in STATISTICS}
        found |= {name: rng.random((*lead, 2, BINS)) for name in EDGES}
        record.add(10 * i, found)
    member = None if members is None else 1
    record.notices = [Notice(0, DEAD, "", member), Notice(10, DEAD, LAYERS[0], member)]
    return record


@pytest.mark.parametrize("members", [None, 3])
@pytest.mark.parametrize("looks", [0, 1, 3])
def test_there_and_back(tmp_path, members, looks):
    record = make(members, looks)
    write_watch(tmp_path / "watch.safetensors", record)
    found = read_watch(tmp_path / "watch.safetensors")
    lead = () if members is None else (members,)
    assert (found.layers, found.weights, found.members) == (LAYERS, WEIGHTS, members)
    assert found.steps == [0, 10, 20][:looks]
    assert found.notices == record.notices
    assert found.verdicts == [DEAD, DEAD]
    for name in WATCHED:
        assert found.statistics[name].shape == (looks, *lead, 2)
        np.testing.assert_array_equal(found.statistics[name], record.statistics[name])
    for name, edges in EDGES.items():
        assert found.histograms[name].shape == (looks, *lead, 2, BINS)
        np.testing.assert_array_equal(found.histograms[name], record.histograms[name])
        np.testing.assert_array_equal(found.edges[name], edges)


def test_what_a_look_did_not_ask_for_is_nan():
    assert np.isnan(make().statistics["validation_dead_share"]).all()


def test_until_a_step():
    record = make().until(10)
    assert record.steps == [0, 10]
    assert len(record.statistics["zero_share"]) == 2
    assert [notice.step for notice in record.notices] == [0, 10]
    assert make().until(9).steps == [0]
    whole = make()
    whole.until(0).add(5, {})
    assert whole.steps == [0, 10, 20]


def test_a_notice_is_one_line():
    assert str(make(2).notices[1]) == (
        "member 1, step 10: warning: dead units: 60% are 0; expected less than 50%. "
        "Lower the learning rate"
    )


def set_to(name, value):
    """Return a change of an array of the file, or of an item of its header."""

    def change(arrays, header):
        (header if name in header else arrays)[name] = value

    return change


def without(name):
    return lambda arrays, header: (header if name in header else arrays).pop(name)


def in_notice(**values):
    return lambda _, header: header["notices"][1].update(values)


HOSTILE = {
    "another kind": (set_to("kind", "net"), "it holds 'net', and no watch of a training"),
    "no layers": (set_to("layers", []), "no equal lists of names"),
    "layers that are a text": (set_to("layers", "ab"), "no equal lists of names"),
    "a layer that is a number": (set_to("layers", [1, 2]), "no equal lists of names"),
    "a weight too many": (set_to("weights", ["W1", "W2", "W3"]), "no equal lists of names"),
    "a layer too many": (
        lambda _, header: header.update(layers=["a", "b", "c"], weights=["d", "e", "f"]),
        "must be floats",
    ),
    "members below 1": (set_to("members", 0), "it has 0 members"),
    "members of truth": (set_to("members", True), "it has True members"),
    "very many members": (set_to("members", 10**12), "must be floats"),
    "no steps": (without("steps"), "its steps must be integers"),
    "steps that are floats": (set_to("steps", np.zeros(3)), "its steps must be integers"),
    "steps of two axes": (set_to("steps", np.zeros((3, 1), np.int64)), "must be integers"),
    "a single step": (set_to("steps", np.asarray(3)), "its steps must be integers"),
    "steps that fall": (set_to("steps", np.asarray([0, 5, 4])), "do not rise from 0 on"),
    "a step below 0": (set_to("steps", np.asarray([-1, 5, 6])), "do not rise from 0 on"),
    "a look too few": (
        set_to("statistics.zero_share", np.zeros((2, 2), np.float32)),
        r"zero_share must be floats \(3, 2\); the file has float32 \(2, 2\)",
    ),
    "texts for numbers": (
        set_to("statistics.zero_share", np.zeros((3, 2), np.int32)),
        "must be floats",
    ),
    "no statistic": (without("statistics.weight_norm"), "weight_norm must be floats"),
    "no histogram": (without("histograms.gradients"), "gradients must be floats"),
    "edges that are NaN": (set_to("edges.gradients", np.full(BINS + 1, np.nan)), "do not rise"),
    "edges that fall": (set_to("edges.gradients", np.zeros(BINS + 1)), "do not rise"),
    "too few edges": (set_to("edges.gradients", np.arange(3.0)), "edges.gradients must be floats"),
    "no notices": (set_to("notices", None), "no list of notices"),
    "a notice that is a text": (set_to("notices", ["a"]), "one of its notices is none"),
    "a notice of less": (set_to("notices", [{"step": 1}]), "one of its notices is none"),
    "a notice of no step": (in_notice(step="3"), "does not fit the net"),
    "a notice below 0": (in_notice(step=-3), "does not fit the net"),
    "a notice of another layer": (in_notice(layer="hidden 9"), "does not fit the net"),
    "a notice of a list for layer": (in_notice(layer=[]), "does not fit the net"),
    "a notice of a list": (in_notice(status=[]), "does not fit the net"),
    "a status of nobody": (in_notice(status="dire"), "does not fit the net"),
    "a member of a single net": (in_notice(member=1), "does not fit the net"),
    "no remedy": (in_notice(remedy=None), "does not fit the net"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_right_digest_around_wrong_things(tmp_path, case):
    path = tmp_path / "watch.safetensors"
    write_watch(path, make())
    change, message = HOSTILE[case]
    arrays, header = read_tensors(path)
    change(arrays, header)
    path.write_bytes(tensor_bytes(arrays, header))
    with pytest.raises(InputError, match=message) as caught:
        read_watch(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("member", [None, 3, -1, True])
def test_a_notice_of_no_member(tmp_path, member):
    path = tmp_path / "watch.safetensors"
    write_watch(path, make(members=3))
    arrays, header = read_tensors(path)
    header["notices"][0]["member"] = member
    path.write_bytes(tensor_bytes(arrays, header))
    with pytest.raises(InputError, match="does not fit the net"):
        read_watch(path)


def test_every_byte_that_is_cut_or_turned(tmp_path):
    """What is read from a damaged file is what was written, or an InputError."""
    path = tmp_path / "watch.safetensors"
    write_watch(path, make(looks=1))
    content, rng = path.read_bytes(), np.random.default_rng(0)
    for position in rng.integers(len(content), size=300).tolist():
        turned = bytearray(content)
        turned[position] ^= 1 << int(rng.integers(8))
        for damaged in (bytes(turned), content[:position]):
            path.write_bytes(damaged)
            try:
                assert read_watch(path).steps == [0]
            except InputError:
                continue


def test_others_refuse_it(tmp_path):
    write_watch(tmp_path / "watch.safetensors", make())
    with pytest.raises(InputError, match="it holds 'watch', and neither a net nor"):
        xpnet.load(tmp_path / "watch.safetensors")
    with pytest.raises(InputError, match="there is no such file"):
        read_watch(tmp_path / "other.safetensors")
