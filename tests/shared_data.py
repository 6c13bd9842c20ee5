"""The one place that knows where the data beside the project lies, and the marker of tests that need it."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"

HOWNET = DATA / "hownet" / "HowNet.txt"
FULL_RECORDS = DATA / "hownet" / "full_records_samples.txt"
SPECIFICATION = DATA / "hownet" / "kdml_specification_examples.tsv"
RESOURCES = DATA / "hownet" / "openhownet_resources"
TAXONOMY = DATA / "hownet" / "taxonomy"
TRIPLES = RESOURCES / "sememe_triples_taxonomy.txt"
TEACHER = DATA / "embeddings" / "minilm_30522x384_float16.npy"
FREQUENCY = DATA / "frequency"
SEGMENTATION = DATA / "morphology" / "english_segmentation.tsv.gz"
SIMILARITY = DATA / "similarity"
TOKENIZERS = (
    DATA / "tokenizers" / "mistral_v1_32k.model",
    DATA / "tokenizers" / "opus_en_32k.spm",
    DATA / "tokenizers" / "zh_unigram_20k.model",
    DATA / "tokenizers" / "zh_unigram_37k.model",
    DATA / "embeddings" / "minilm_tokenizer.json",
)

needs_shared = pytest.mark.skipif(not DATA.is_dir(), reason=f"the data beside the project is absent ({DATA})")
