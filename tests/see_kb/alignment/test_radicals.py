"""Characters by their radical, and what aligns with it."""

import pytest

from see_kb.alignment.align import Aligner
from see_kb.alignment.radicals import radical_of
from see_kb.lexicon import Lexicon
from see_kb.sources.door import read_morphemes
from see_kb.vocabulary.pieces import Piece


@pytest.mark.parametrize(
    ("character", "radical"),
    [
        ("鲃", "魚"),
        ("鮊", "魚"),
        ("鸲", "鳥"),
        ("蟢", "虫"),
        ("碲", "石"),
        ("锑", "金"),
        ("癀", "疒"),
        ("荽", "艸"),
        ("嗗", "口"),
        ("龢", "龠"),
        ("一", None),
        ("魚", None),
        ("A", None),
        ("鲃鲃", None),
        ("", None),
        ("㐀", None),
    ],
)
def test_a_character_has_the_radical_of_the_kangxi_dictionary(character, radical):
    assert radical_of(character) == radical


def test_a_rare_character_is_aligned_by_its_radical():
    (found,) = Aligner(Lexicon("none", (), (), ()), read_morphemes()).align([Piece(0, "鮊", "鮊", "normal", False)])
    assert (found.rule, [match.role for match in found.matches]) == ("radical", ["radical"])
    assert found.matches[0].readings[0].sememes == ("fish|鱼",)
