import numpy as np
import pytest

from xpnet.backends import get_backend
from xpnet.errors import InputError
from xpnet.members import (
    member_seeds,
    member_values,
    not_negative,
    per_member,
    stack_members,
    take_member,
)


@pytest.mark.parametrize(
    ("members", "shape"), [((3,), (3,)), ((3,), (3, 3)), ((3,), (3, 3, 3)), ((2, 3), (2, 3, 4, 3))]
)
def test_per_member_lines_up_with_the_first_axes(backend, members, shape):
    value = np.arange(1.0, 1.0 + np.prod(members), dtype=np.float32).reshape(members)
    like = backend.asarray(np.ones(shape, np.float32))
    given = backend.asarray(value)
    for found in (per_member(given, like), per_member(given, like, xp=backend.xp)):
        product = backend.to_numpy(found * like)
        assert product.shape == shape
        for k in np.ndindex(members):
            assert (product[k] == value[k]).all()


def test_per_member_leaves_single_values(backend):
    like = backend.asarray(np.ones((3, 2), np.float32))
    assert per_member(0.5, like) == 0.5
    scalar = backend.asarray(np.float32(0.5))
    assert per_member(scalar, like) is scalar


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2.0), np.asarray(2)])
@pytest.mark.parametrize("members", [None, 3])
def test_one_value_for_all(value, members):
    found = member_values("reg", value, members)
    assert (type(found), found) == (float, 2.0)


@pytest.mark.parametrize("value", [[1, 2, 3], (1.0, 2.0, 3.0), np.float32([1, 2, 3])])
def test_one_value_per_member(value):
    found = member_values("reg", value, 3)
    assert found.dtype == np.float64
    assert found.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("value", "members", "what"),
    [
        ([1.0, 2.0], None, "reg is a sequence of 2, but .* make the net with members=2"),
        ([1.0, 2.0], 3, r"reg must be one number or 3 of them.*shape \(2,\)"),
        ([[1.0, 2.0, 3.0]], 3, r"shape \(1, 3\)"),
        ([], 3, r"shape \(0,\)"),
        ("big", 3, "reg must be a number; got 'big'"),
        ("0.1", None, "reg must be a number; got '0.1'"),
        ([[1.0], [1.0, 2.0]], 2, "reg must be a number; got"),
        ({"a": 1}, None, "reg must be a number; got {'a': 1}"),
    ],
)
def test_refuses_other_values(value, members, what):
    with pytest.raises(InputError, match=what):
        member_values("reg", value, members)


def test_not_negative():
    assert not_negative("reg", 0.0) == 0.0
    values = np.asarray([0.0, 2.0])
    assert not_negative("reg", values) is values
    for wrong in (-1e-9, float("nan"), float("inf"), np.asarray([1.0, -2.0])):
        with pytest.raises(InputError, match="reg must be 0 or a positive number; got") as caught:
            not_negative("reg", wrong)
        assert str(wrong) in str(caught.value)


def test_seeds():
    assert member_seeds(5, None) == [5]
    assert member_seeds(5, 3) == [5, 5, 5]
    for seeds in ([1, 2, 3], (1, 2, 3), np.asarray([1, 2, 3]), range(1, 4)):
        found = member_seeds(seeds, 3)
        assert found == [1, 2, 3]
        assert {type(seed) for seed in found} == {int}


@pytest.mark.parametrize(
    ("seed", "members", "what"),
    [
        ([1], None, r"seed must be an integer .*; got \[1\]"),
        ([1, 2], 3, "seed must be one integer or 3 of them, one a member; got 2"),
        ([1, 2, -3], 3, "got -3"),
        ([1, 2, 2.5], 3, "got 2.5"),
        ([1, 2, True], 3, "got True"),
        ("abc", 3, "got 'a'"),
        (-1, 3, "got -1"),
        (2**64, None, "got 18446744073709551616"),
        (np.asarray(1.5), 3, "seed must be"),
    ],
)
def test_refuses_other_seeds(seed, members, what):
    with pytest.raises(InputError, match=what):
        member_seeds(seed, members)


def nets(backend, count):
    """Return `count` nets, whose numbers tell net and parameter."""
    return [
        {
            "W1": backend.asarray(np.full((2, 3), 10.0 * k, np.float32)),
            "b1": backend.asarray(np.full(3, 10.0 * k + 1.0, np.float32)),
        }
        for k in range(count)
    ]


def test_stack_and_take_undo_each_other(backend):
    solos = nets(backend, 3)
    stack = stack_members(solos)
    assert {name: tuple(x.shape) for name, x in stack.items()} == {"W1": (3, 2, 3), "b1": (3, 3)}
    for k, solo in enumerate(solos):
        taken = take_member(stack, k)
        assert list(taken) == list(solo)
        for name, x in taken.items():
            assert x.dtype == solo[name].dtype
            assert x.device == solo[name].device
            np.testing.assert_array_equal(backend.to_numpy(x), backend.to_numpy(solo[name]))


def test_stack_and_take_copy():
    solos = nets(get_backend("numpy"), 2)
    stack = stack_members(solos)
    solos[0]["W1"][...] = -1.0
    assert stack["W1"].min() == 0.0
    taken = take_member(stack, 1)
    taken["b1"][...] = -1.0
    assert stack["b1"].min() == 1.0


def test_refuses_to_stack_nets_that_differ(backend):
    with pytest.raises(InputError, match="at least one net; got none"):
        stack_members([])
    first, second = nets(backend, 2)
    with pytest.raises(InputError, match=r"net 1 has the shapes .*'b1': \(2,\)"):
        stack_members([first, {**second, "b1": second["b1"][:2]}])
    with pytest.raises(InputError, match="net 2 has the shapes .*but net 0 has"):
        stack_members([first, second, {"W1": second["W1"]}])


@pytest.mark.parametrize("k", [-1, 2])
def test_take_member_refuses_one_that_is_not_there(backend, k):
    params = {"W1": backend.asarray(np.ones((2, 3, 4), np.float32))}
    with pytest.raises(InputError, match=f"no member {k}: the stack has 2"):
        take_member(params, k)
