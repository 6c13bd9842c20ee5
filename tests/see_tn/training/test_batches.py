"""Batches: a pure function of a seed and a step, whole however they are shared out."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from see_tn.errors import FactorError
from see_tn.training.batches import IGNORED, Batches, Examples, Share

lengths = st.lists(st.integers(2, 30), min_size=1, max_size=60)


def numbered(sizes, targets=None):
    """Texts that tell their number: all pieces of text i are i + 1."""
    made = [[number + 1] * size for number, size in enumerate(sizes)]
    return Examples(made, targets and [[number + 1] * size for number, size in enumerate(targets)], start=0)


def members(batch):
    return batch.inputs["input_ids"][:, 0].tolist()


def steps(batches):
    return [batches.at(step) for step in range(batches.steps_per_epoch)]


@given(lengths, st.integers(1, 100), st.integers(0, 3))
def test_each_epoch_has_each_text_once(sizes, positions, seed):
    batches = Batches(numbered(sizes), positions, seed)
    seen = [number for step in range(batches.steps_per_epoch) for number in members(batches.at(step)[0])]
    assert sorted(seen) == list(range(1, len(sizes) + 1))


@given(lengths, st.integers(30, 100))
def test_no_batch_has_more_positions_than_asked_for(sizes, positions):
    batches = Batches(numbered(sizes), positions)
    for step in range(2 * batches.steps_per_epoch):
        (batch,) = batches.at(step)
        n, longest = batch.inputs["input_ids"].shape
        assert n * (longest + 1) <= positions  # the last piece of a text is a label only


short_and_long = st.tuples(st.lists(st.integers(2, 30), min_size=9, max_size=60), st.lists(st.just(60), max_size=9))


@given(short_and_long, st.integers(30, 600), st.integers(1, 3), st.integers(1, 3))
def test_a_step_of_more_positions_than_asked_for_has_two_texts_a_part_at_most(sizes, positions, processes, passes):
    n_parts = processes * passes
    for step in steps(Batches(numbered([*sizes[0], *sizes[1]]), positions, share=Share(0, 1, n_parts))):
        shapes = [tuple(part.inputs["input_ids"].shape) for part in step]
        n, longest = sum(rows for rows, _ in shapes), max(width for _, width in shapes)
        # The last piece of a text is a label only.
        assert n * (longest + 1) <= positions or (n < 2 * n_parts and max(rows for rows, _ in shapes) <= 2)


@pytest.mark.parametrize(
    ("sizes", "n_parts"), [([20] * 2000 + [512], 2), ([20] * 2000 + [512], 8), ([20] * 200 + [512] * 7, 8)]
)
def test_few_long_texts_do_not_widen_the_whole_batch_before_them(sizes, n_parts):
    widened = steps(Batches(numbered(sizes), 4096, share=Share(0, 1, n_parts)))
    assert max(sum(part.inputs["input_ids"].numel() for part in step) for step in widened) <= 4096


@given(st.lists(st.integers(2, 30), min_size=9, max_size=60), st.integers(1, 3), st.integers(1, 3))
def test_shares_of_processes_and_passes_are_the_whole_batch(sizes, n_processes, accumulation):
    examples = numbered(sizes)
    fewest = n_processes * accumulation
    whole = Batches(examples, 50, share=Share(0, 1, fewest))
    for step in range(whole.steps_per_epoch):
        wanted = sorted(number for part in whole.at(step) for number in members(part))
        shares = [
            part
            for process in range(n_processes)
            for part in Batches(examples, 50, share=Share(process, n_processes, accumulation)).at(step)
        ]
        assert sorted(number for part in shares for number in members(part)) == wanted
        counts = {(part.n_labels, part.n_sources) for part in shares}
        assert len(counts) == 1
        assert counts.pop()[0] == sum(int((part.labels != IGNORED).sum()) for part in shares)


def test_a_step_is_the_same_whatever_was_asked_before():
    one, other = (Batches(numbered(range(2, 30)), 60, seed=3) for _ in range(2))
    wanted = [one.at(step)[0] for step in range(20)]
    for step in np.random.default_rng(0).permutation(20):
        assert torch.equal(other.at(int(step))[0].inputs["input_ids"], wanted[step].inputs["input_ids"])


def test_seeds_and_epochs_deal_differently():
    one, other = (Batches(numbered(range(2, 30)), 60, seed=seed) for seed in (0, 1))
    first = [members(one.at(step)[0]) for step in range(one.steps_per_epoch)]
    assert first != [members(other.at(step)[0]) for step in range(other.steps_per_epoch)]
    assert first != [members(one.at(step + one.steps_per_epoch)[0]) for step in range(one.steps_per_epoch)]


def test_a_model_that_continues_reads_all_but_the_last_and_is_asked_for_all_but_the_first():
    (batch,) = Batches(Examples([[5, 6, 7], [8, 9]], pad=1), 10).at(0)
    rows = {tuple(row) for row in torch.cat([batch.inputs["input_ids"], batch.labels], dim=1).tolist()}
    assert rows == {(5, 6, 6, 7), (8, 1, 9, IGNORED)}
    assert batch.n_labels == 3


def test_a_model_that_translates_reads_the_target_moved_by_one():
    (batch,) = Batches(Examples([[5, 6, 2]], [[7, 8, 9, 2]], start=4), 10).at(0)
    assert batch.inputs["input_ids"].tolist() == [[5, 6, 2]]
    assert batch.inputs["decoder_input_ids"].tolist() == [[4, 7, 8, 9]]
    assert batch.labels.tolist() == [[7, 8, 9, 2]]
    assert (batch.n_labels, batch.n_sources) == (4, 3)


def test_evaluation_sees_each_text_once_on_all_processes_together():
    examples = numbered(range(2, 20))
    seen = [
        number
        for process in range(2)
        for batch in Batches(examples, 40, share=Share(process, 2)).all_once()
        for number in members(batch)
    ]
    assert sorted(seen) == list(range(1, 19))


def test_texts_and_sizes_that_make_no_batch_are_refused():
    with pytest.raises(FactorError, match="0 texts"):
        Examples([])
    with pytest.raises(FactorError, match="1 texts and 2 translations"):
        Examples([[1]], [[1], [2]])
    with pytest.raises(FactorError, match=r"text 1 has 1 pieces; give at least 2, or leave it out"):
        Examples([[1, 2], [3]])
    with pytest.raises(FactorError, match="text 0 has 0 pieces"):
        Examples([[], [1]], [[1], [2]])
    with pytest.raises(FactorError, match="translation 1 has 0 pieces"):
        Examples([[1], [1]], [[1], []])
    with pytest.raises(FactorError, match="1 texts for the 2 parts"):
        Batches(numbered([3]), 10, share=Share(0, 2))
    with pytest.raises(FactorError, match="0 positions"):
        Batches(numbered([3]), 0)
