"""How groups are cut into stacks: all of them, and by the size that trains fastest."""

import pytest

from xpnet.sweep.costs import costs_of
from xpnet.sweep.plan import groups
from xpnet.sweep.work import Work, first_size


def group_of(members, **shared):
    (group,) = groups({k: {"learning_rate": 0.1 + k} for k in range(members)}, shared)
    return group


def cut(groups, seconds, *, size=8, lanes=1, most=10**6, is_fixed=False):
    """Take all stacks, each as long as `seconds(members)` for a member, and return their sizes."""
    number = len(groups)
    work = Work(groups, [1.0] * number, [size] * number, [most] * number, is_fixed=is_fixed)
    work.lanes = lanes
    sizes, numbers = [], []
    while (part := work.take()) is not None:
        sizes.append(len(part.numbers))
        numbers += part.numbers
        for name, values in part.varied.items():
            assert len(values) == len(part.numbers), name
        work.note(part, len(part.numbers) * seconds(len(part.numbers)))
    assert work.left == 0
    return sizes, numbers


@pytest.mark.parametrize("best", [1, 4, 8, 32])
@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_it_finds_the_size_that_trains_fastest(best, lanes):
    sizes, numbers = cut(
        [group_of(1000)], lambda n: 1 + abs((n / best) ** 0.5 - (best / n) ** 0.5), lanes=lanes
    )
    assert sorted(numbers) == list(range(1000))
    assert sizes[0] == 8
    middle = sizes[len(sizes) // 2 :][:-lanes]
    assert middle
    assert set(middle) == {best}


def test_a_memory_that_holds_few_is_not_overrun():
    sizes, _ = cut([group_of(200)], lambda n: 1 / n, most=16)
    assert max(sizes) == 16


def test_a_size_that_was_asked_for_stays():
    sizes, _ = cut([group_of(100)], lambda n: 1 / n, size=30, is_fixed=True)
    assert sizes == [30, 30, 30, 10]


def test_few_are_not_spent_on_trials():
    sizes, _ = cut([group_of(24)], lambda n: 1 / n)
    assert sizes == [8, 8, 8]


@pytest.mark.parametrize(("members", "sizes"), [(16, [8, 8]), (9, [5, 4]), (2, [1, 1]), (1, [1])])
def test_the_rest_is_dealt_out_to_all_lanes(members, sizes):
    assert cut([group_of(members)], lambda n: 1.0, size=64, lanes=2)[0] == sizes


def test_the_longest_group_comes_first():
    short, long = group_of(4, num_epochs=1), group_of(4, num_epochs=9)
    costs = [costs_of(group, 64, 10) for group in (short, long)]
    works = [cost.epochs * cost.step(4) for cost in costs]
    work = Work([short, long], works, [4, 4], [4, 4])
    assert work.take().shared["num_epochs"] == 9


@pytest.mark.parametrize(
    ("shared", "features", "expected"),
    [
        ({"hidden_dims": [50]}, 64, 32),  # the digits
        ({"hidden_dims": [100]}, 64, 16),
        ({"hidden_dims": [300]}, 64, 8),
        ({"hidden_dims": [50]}, 3072, 4),  # CIFAR-10
    ],
)
def test_first_sizes_are_near_those_that_were_measured(shared, features, expected):
    cost = costs_of(group_of(2, **shared), features, 10)
    assert first_size(cost.step_bytes, is_gpu=False) == expected


def test_slots_and_wide_numbers_count():
    plain, adam, wide = (
        costs_of(group_of(1, hidden_dims=[50], batch_size=1, **more), 3072, 10).step_bytes
        for more in ({}, {"update_rule": "adam"}, {"dtype": "float64"})
    )
    assert adam / plain == pytest.approx(2, rel=0.01)  # two slots beside weights and gradients
    assert wide == 2 * plain
