import json
import os
from hashlib import sha256

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from see_tn.errors import FactorError
from see_tn.layer.checkpoint import CONFIG, TENSORS, load_embedding, save_embedding, stored_bytes
from see_tn.layer.embedding import EntangledEmbedding
from tests.see_tn.examples import SHAPES, seeded, shape_name, some_layer, some_rows

SHAPE = SHAPES[4]
CORE = "product.tables.1.weight"


@pytest.fixture
def folder(tmp_path):
    save_embedding(some_layer(SHAPE, offset=True, padding_idx=3), tmp_path / "factors")
    return tmp_path / "factors"


@pytest.mark.parametrize("shape", SHAPES, ids=shape_name)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("options", [{}, {"padding_idx": 3, "offset": True}], ids=["plain", "padded"])
def test_what_is_saved_is_loaded_bit_for_bit(tmp_path, shape, dtype, options):
    layer = some_layer(shape, dtype=dtype, **options)
    if layer.offset is not None:
        torch.nn.init.normal_(layer.offset, generator=seeded(2))
    save_embedding(layer, tmp_path / "factors")
    loaded = load_embedding(tmp_path / "factors")
    state, wanted = loaded.state_dict(), layer.state_dict()
    assert list(state) == list(wanted)
    for name, tensor in wanted.items():
        assert state[name].dtype == tensor.dtype
        assert torch.equal(state[name].detach().view(torch.uint8), tensor.detach().view(torch.uint8))
    assert (loaded.shape, loaded.padding_idx) == (layer.shape, layer.padding_idx)
    assert repr(loaded) == repr(layer)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize("offset", [True, False])
def test_stored_bytes_are_those_on_the_disk(tmp_path, dtype, offset):
    rows = some_rows(n_pieces=10_001)
    layer = EntangledEmbedding(rows, SHAPE, dtype=dtype, offset=offset, padding_idx=10_000)
    save_embedding(layer, tmp_path / "factors")
    on_disk = sum(path.stat().st_size for path in (tmp_path / "factors").iterdir())
    assert on_disk == stored_bytes(layer)


def test_the_folder_holds_the_two_named_files_and_nothing_is_left_beside_it(folder):
    assert sorted(path.name for path in folder.iterdir()) == [CONFIG, TENSORS]
    assert [path.name for path in folder.parent.iterdir()] == ["factors"]
    assert json.loads((folder / CONFIG).read_text())["format_number"] == 2


def test_the_same_layer_gives_the_same_bytes(folder, tmp_path):
    save_embedding(load_embedding(folder), tmp_path / "again")
    for name in (CONFIG, TENSORS):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_an_existing_folder_is_only_overwritten_on_demand(folder):
    other = some_layer(SHAPES[5])
    with pytest.raises(FactorError, match="exists already"):
        save_embedding(other, folder)
    assert load_embedding(folder).shape == SHAPE
    save_embedding(other, folder, overwrite=True)
    assert load_embedding(folder).shape == SHAPES[5]
    assert [path.name for path in folder.parent.iterdir()] == ["factors"]


def test_a_folder_with_other_files_is_never_overwritten(folder):
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(FactorError, match=r"holds 'thesis\.tex', which overwriting would lose"):
        save_embedding(some_layer(SHAPE), folder, overwrite=True)
    assert (folder / "thesis.tex").exists()


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "factors").write_text("")
    with pytest.raises(FactorError, match="a file is in the way"):
        save_embedding(some_layer(SHAPE), tmp_path / "factors", overwrite=True)


@pytest.mark.parametrize("failing", ["fsync", "rename"])
def test_a_failure_while_writing_leaves_the_old_factors_whole(folder, monkeypatch, failing):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    calls = []
    rename = type(folder).rename

    def second_rename_fails(path, target):
        calls.append(path)
        return full() if len(calls) == 2 else rename(path, target)

    if failing == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(type(folder), "rename", second_rename_fails)
    with pytest.raises(FactorError, match=r"writing failed \(No space left on device\)"):
        save_embedding(some_layer(SHAPES[5]), folder, overwrite=True)
    assert load_embedding(folder).shape == SHAPE
    assert [path.name for path in folder.parent.iterdir()] == ["factors"]


def test_a_run_that_was_killed_between_its_renames_is_mended_by_the_next(folder):
    folder.rename(folder.with_name(".factors.previous-abc"))
    (folder.with_name(".factors.partial-abc")).mkdir()
    with pytest.raises(FactorError, match="exists already"):
        save_embedding(some_layer(SHAPES[5]), folder)
    assert load_embedding(folder).shape == SHAPE
    assert [path.name for path in folder.parent.iterdir()] == ["factors"]


def test_a_layer_without_values_or_of_mixed_types_is_refused(tmp_path):
    with pytest.raises(FactorError, match="on the device meta"):
        save_embedding(some_layer(SHAPE, device="meta"), tmp_path / "factors")
    mixed = some_layer(SHAPE)
    mixed.product.tables[1].half()
    with pytest.raises(FactorError, match="move them all to one of"):
        save_embedding(mixed, tmp_path / "factors")
    assert not list(tmp_path.iterdir())


def _config(**changes):
    def change(folder):
        config = json.loads((folder / CONFIG).read_text())
        (folder / CONFIG).write_text(json.dumps({**config, **changes}))

    return change


def _layer(**changes):
    """Change the sizes in the config; those of the products by `product__NAME`, their shape by `shape__NAME`."""

    def change(folder):
        config = json.loads((folder / CONFIG).read_text())
        layer = config["layer"]
        places = {"product": layer["product"], "shape": layer["product"]["shape"]}
        for name, value in changes.items():
            place, _, own = name.rpartition("__")
            place = places.get(place, layer)
            if value is None and own != "padding_idx":
                del place[own]
            else:
                place[own] = value
        (folder / CONFIG).write_text(json.dumps(config))

    return change


def _tensors(edit):
    """Change tensors and give the config their new hash, as somebody who knows the format would."""

    def change(folder):
        content = save(edit(load((folder / TENSORS).read_bytes())))
        (folder / TENSORS).write_bytes(content)
        _config(sha256=sha256(content).hexdigest())(folder)

    return change


def _written(name, content):
    def change(folder):
        (folder / name).write_bytes(content)
        if name == TENSORS:
            _config(sha256=sha256(content).hexdigest())(folder)

    return change


def _cut(folder):
    (folder / TENSORS).write_bytes((folder / TENSORS).read_bytes()[:-1])


def _flipped(folder):
    content = bytearray((folder / TENSORS).read_bytes())
    content[-1] ^= 1
    (folder / TENSORS).write_bytes(content)


DAMAGES = {
    "no tensors": (lambda folder: (folder / TENSORS).unlink(), "no such file"),
    "no config": (lambda folder: (folder / CONFIG).unlink(), "no such file"),
    "no JSON": (_written(CONFIG, b"{"), "not JSON"),
    "binary config": (_written(CONFIG, b"\xff\xfe\x00"), "not JSON"),
    "deep config": (_written(CONFIG, b"[" * 200_000), "not JSON"),
    "another JSON": (_written(CONFIG, b"[1]"), "not the config of factors"),
    "another format": (_config(format="bert"), "not the config of factors"),
    "a newer format": (_config(format_number=1), "format number 1, this version reads 2"),
    "cut off": (_cut, "damaged or cut off"),
    "one bit flipped": (_flipped, "damaged or cut off"),
    "no safetensors": (_written(TENSORS, b"PK\x03\x04 a zip file"), "not usable factors"),
    "an entry missing": (_layer(product__n_units=None), "not usable factors"),
    "an entry of another type": (_layer(offset=1), "sizes hold 1 where"),
    "a negative count": (_layer(product__n_terms=-1), "n_terms"),
    "counts that are no numbers": (_layer(product__n_units=["a", 9, 9]), "sizes hold 'a' where"),
    "an unknown type": (_layer(dtype="int4"), "dtype is 'int4'"),
    "the wrong type": (_layer(dtype="float16"), "the config says"),
    "a shape without a rank": (_layer(shape__rank=None), "not usable factors"),
    "an impossible shape": (_layer(shape__width=25), "below the width 25"),
    "sites that are no numbers": (_layer(shape__sites=["4", 3, 2]), "not usable factors"),
    "another shape": (_layer(shape__rank=4), "the config says"),
    "another order": (_layer(shape__sites=[6, 4]), "do not fit"),
    "another vocabulary": (_layer(n_pieces=21), "20 pieces in the index, the config says 21"),
    "a padding index out of range": (_layer(padding_idx=20), "padding_idx is 20 of 20 pieces"),
    "no offset announced": (_layer(offset=False), r"not expected: \['offset'\]"),
    "a core missing": (_tensors(lambda t: {k: v for k, v in t.items() if k != CORE}), rf"missing: \['{CORE}'\]"),
    "a tensor too many": (_tensors(lambda t: t | {"more": t[CORE].clone()}), r"not expected: \['more'\]"),
    "a core of another size": (_tensors(lambda t: t | {CORE: t[CORE][:-1].clone()}), f"{CORE} is"),
    "a unit out of range": (_tensors(lambda t: t | {"units.0": t["units.0"] + 1}), "unit 9 at site 0, where 9 units"),
    "too few terms": (_tensors(lambda t: t | {"units.0": t["units.0"][1:].clone()}), "terms, units and amp"),
    "too many terms": (_tensors(lambda t: t | {"terms": t["terms"] + 1}), "terms"),
    "fractions as units": (_tensors(lambda t: t | {"units.0": t["units.0"] + 0.5}), "units.0"),
    "fractions as counts": (_tensors(lambda t: t | {"terms": t["terms"] + 0.5}), "terms"),
    "a unit table of two dimensions": (_tensors(lambda t: t | {"units.0": t["units.0"][None]}), r"units.0 is \(1, "),
    "codes without a meaning": (
        _tensors(lambda t: t | {"amplitude_values": t["amplitude_values"][:1].clone()}),
        "code",
    ),
    "no finite amplitude": (_tensors(lambda t: t | {"amplitude_values": t["amplitude_values"] / 0}), "not finite"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_factors_are_refused_in_one_line_with_the_file(folder, damage):
    change, problem = DAMAGES[damage]
    change(folder)
    with pytest.raises(FactorError, match=problem) as caught:
        load_embedding(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FactorError, match="no such file; name a folder that save_embedding wrote"):
        load_embedding(tmp_path / "nowhere")


def test_amplitudes_too_different_for_codes_are_kept_raw(tmp_path):
    rows = some_rows(n_pieces=500)
    assert len(np.unique(rows.amplitude)) > 257
    save_embedding(EntangledEmbedding(rows, SHAPE), tmp_path / "factors")
    assert np.array_equal(load_embedding(tmp_path / "factors").rows().amplitude, rows.amplitude)
