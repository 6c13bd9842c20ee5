"""The dictionary at hand and records as HowNet itself prints them."""

from see_kb.sources.door import read_lexicon, read_texts
from tests.shared_data import FULL_RECORDS, HOWNET, RESOURCES, needs_shared

pytestmark = needs_shared


def test_the_five_full_records_have_their_pinyin_sentiment_and_remark():
    lexicon = read_texts(FULL_RECORDS)
    assert lexicon.rejects == ()
    assert [
        (sense.number, sense.zh_word, sense.zh_pos, sense.zh_grammar, sense.en_word) for sense in lexicon.senses
    ] == [
        ("047395", "动脉硬化症", "noun", "dong4 mai4 ying4 hua4 zheng4", "atherosclerosis"),
        ("162300", "问", "verb", "wen4", "ask"),
        ("128941", "请求", "verb", "qing3 qiu2", "ask"),
        ("142804", "适销对路", "adj", "shi4 xiao1 dui4 lu4", "salable"),
        ("000000026417", "不惜", "verb", "", "do not hesitate to"),
    ]
    assert [sense.zh_sentiment for sense in lexicon.senses] == [
        "MinusEntity|负面实体",
        "",
        "",
        "PlusSentiment|正面评价",
        "PlusFeeling|正面情感",
    ]
    assert [sense.remark for sense in lexicon.senses[1:]] == [""] * 4
    assert lexicon.senses[0].remark == (
        "Atherosclerosis comes from the Greek words athero (meaning gruel or paste) and sclerosis (hardness)."
    )
    assert lexicon.senses[4].zh_example.startswith("~牺牲业余时间")
    assert lexicon.senses[1].en_grammar.startswith("2 askverb-0vt,dobj")
    assert lexicon.senses[3].sememes == ("suitable|适宜", "commerce|商业", "sell|卖")


def test_the_dictionary_and_openhownets_resources_say_the_same():
    text, resources = read_lexicon(HOWNET), read_lexicon(RESOURCES)
    assert len(text.senses) == 74_094
    assert text.rejects == resources.rejects == ()
    assert text.content_sha256 == resources.content_sha256
    assert text.senses == resources.senses
