"""The block list: what falls under a pattern, mirrors included, and what does not."""

from __future__ import annotations

import pytest

from adjudge.errors import ConfigError
from adjudge.tools.web.blocking import BlockList
from adjudge.tools.web.urls import target_of

SHIPPED = BlockList.load()


@pytest.mark.parametrize(
    "url",
    [
        "https://huggingface.co/datasets/hotpotqa/hotpot_qa",
        "https://www.huggingface.co/datasets",
        "HTTPS://HuggingFace.co/Datasets/x",
        "https://huggingface.co//datasets/x",
        "https://huggingface.co/./datasets/x",
        "https://huggingface.co/models/../datasets/x",
        "https://huggingface.co/%64atasets/x",
        "https://huggingface.co/models/%2e%2e/datasets/x",
        "https://huggingface.co:8443/datasets/x",
        "https://huggingface.co./datasets/x",
        "https://datasets-server.huggingface.co/rows?dataset=x",
        "https://hf-mirror.com/datasets/x",
        "https://paperswithcode.com/",
        "https://www.kaggle.com/datasets/x",
        "https://github.com/hotpotqa/hotpot",
        "https://github.com/somebody/HotpotQA-fork/blob/main/x.json",
        "https://github.com/StonyBrookNLP/musique",
        "https://github.com/princeton-nlp/LLMBar/tree/main/Dataset",
        "https://raw.githubusercontent.com/princeton-nlp/LLMBar/main/Dataset/LLMBar/Natural/dataset.json",
        "https://codeload.github.com/QwenLM/ProcessBench/zip/main",
        "https://api.github.com/repos/pubmedqa/pubmedqa/contents",
        "https://media.githubusercontent.com/media/openai/prm800k/main/data.jsonl",
        "https://cdn.jsdelivr.net/gh/allenai/reward-bench@main/x.json",
        "https://web.archive.org/web/2024/https://huggingface.co/datasets/x",
        "https://web.archive.org/web/2024id_/huggingface.co/datasets/x",
        "https://r.jina.ai/https://github.com/princeton-nlp/LLMBar",
        "https://proxy.example.org/?url=https%3A%2F%2Fhuggingface.co%2Fdatasets%2Fx",
        "https://proxy.example.org/?url=https%253A%252F%252Fhuggingface.co%252Fdatasets%252Fx",
        "https://huggingface-co.translate.goog/datasets/x?_x_tr_sl=en",
        "https://web-archive-org.translate.goog/web/2024/https://hf-mirror.com/datasets/x",
    ],
)
def test_benchmark_pages_and_their_mirrors_are_blocked(url: str) -> None:
    assert SHIPPED.match(target_of(url))


@pytest.mark.parametrize(
    "url",
    [
        "https://en.wikipedia.org/wiki/Hugging_Face",
        "https://huggingface.co/Qwen/Qwen3-8B",
        "https://huggingface.co/docs/datasets/index",
        "https://nothuggingface.co/datasets/x",
        "https://huggingface.co.example.org/docs",
        "https://example.org/datasets/x",
        "https://github.com/pallets/flask",
        "https://github.com/trending",
        "https://github.com/",
        "https://www.kaggle.com/",
        "https://pubmed.ncbi.nlm.nih.gov/12345/",
        "https://example.org/about-paperswithcode.company",
        "https://arxiv.org/abs/1809.09600",
    ],
)
def test_other_pages_are_not(url: str) -> None:
    assert SHIPPED.match(target_of(url)) == ""


def test_patterns_cover_subdomains_and_beginnings_of_paths() -> None:
    blocked = BlockList.load(["Example.org", "https://example.com/a*/b/"], defaults=False)
    hits = ("http://example.org/", "http://x.y.example.org/z", "http://example.com/abc/b", "http://example.com/a/b/c")
    assert all(blocked.match(target_of(url)) for url in hits)
    misses = ("http://example.com/", "http://example.com/a", "http://example.com/a/bc", "http://example.com/xa/b")
    assert not any(blocked.match(target_of(url)) for url in misses)
    assert blocked.match(target_of("http://huggingface.co/datasets/x")) == ""


@pytest.mark.parametrize(
    "line", ["", "*", "org", "*.org", "example.org/a b", "ftp://example.org", "/datasets", "a@b.org"]
)
def test_what_is_no_pattern_is_refused(line: str) -> None:
    with pytest.raises(ConfigError, match="not a pattern of the block list"):
        BlockList.load([line])


def test_long_urls_take_no_time() -> None:
    for text in ("a." * 1900, "a" * 3900, "a-" * 1900, "/huggingface.co" * 260, "%25" * 1300, "../" * 1300):
        SHIPPED.match(target_of(f"http://example.org/{text}"))
