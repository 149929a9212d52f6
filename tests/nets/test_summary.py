import xml.etree.ElementTree as ET

import pytest

from xpnet import FullyConnectedNet, TwoLayerNet
from xpnet.nets.summary import summary_rows


@pytest.mark.parametrize(
    ("options", "parameters", "state"),
    [
        ({}, [6 * 5 + 5, 5 * 3 + 3], [0, 0]),
        ({"activation": "maxout"}, [2 * (6 * 5 + 5), 5 * 3 + 3], [0, 0]),
        ({"normalization": "batchnorm"}, [6 * 5 + 5 + 10, 5 * 3 + 3], [10, 0]),
        ({"normalization": "layernorm"}, [6 * 5 + 5 + 10, 5 * 3 + 3], [0, 0]),
        ({"members": 4}, [4 * 35, 4 * 18], [0, 0]),
    ],
)
def test_rows_count_what_the_net_holds(backend, options, parameters, state):
    net = FullyConnectedNet([5], 6, 3, device=backend.text, **options)
    rows = summary_rows(net)
    assert [row.parameters for row in rows] == parameters
    assert [row.state for row in rows] == state
    assert [row.shape for row in rows] == ["(5,)", "(3,)"]
    assert [row.memory for row in rows] == [
        4 * (p + s) for p, s in zip(parameters, state, strict=True)
    ]


def test_eleven_layers_are_told_from_the_first():
    net = FullyConnectedNet([2] * 10, 3, 2, normalization="batchnorm", dtype="float64")
    rows = summary_rows(net)
    assert sum(row.parameters for row in rows) == sum(w.size for w in net.params.values())
    assert sum(row.state for row in rows) == sum(w.size for w in net.state.values())
    assert sum(row.memory for row in rows) == sum(
        w.nbytes for part in (net.params, net.state) for w in part.values()
    )


def test_the_text_says_all():
    net = FullyConnectedNet(
        [100, 50], activation="elu", normalization="batchnorm", dropout_keep_ratio=0.8
    )
    lines = net.summary().splitlines()
    assert lines[0] == repr(net)
    assert lines[4].startswith("1: affine 3072 to 100, batchnorm, elu, dropout, keeps 0.8  (100,)")
    assert "307,500" in lines[4]
    assert lines[6].startswith("3: affine 50 to 10 ")
    assert lines[-1].split() == ["in", "all", "313,160", "300", "1.25", "MB"]


def test_a_stack_says_its_members():
    assert "in all 7 members" in TwoLayerNet(4, 3, 2, members=7).summary()
    assert "maxout 4 to 3" in FullyConnectedNet([3], 4, 2, activation="maxout").summary()


def test_the_html_is_a_table_with_a_row_a_layer():
    net = FullyConnectedNet([5, 4], 6, 3, activation="tanh")
    table = ET.fromstring(net._repr_html_())
    assert table.tag == "table"
    rows = [[cell.text or "" for cell in row] for row in table.find("tbody")]
    assert [row[0] for row in rows] == [
        "1: affine 6 to 5, tanh",
        "2: affine 5 to 4, tanh",
        "3: affine 4 to 3",
    ]
    assert table.find("caption").text == repr(net)


def test_the_rich_repr_leaves_defaults_to_rich():
    found = {item[0]: item[1:] for item in FullyConnectedNet([5], 6, 3).__rich_repr__()}
    assert found["layer_sizes"] == ((6, 5, 3),)
    assert found["normalization"] == (None, None)  # the value and its default, not shown
    assert found["dropout_keep_ratio"] == (1.0, 1.0)
