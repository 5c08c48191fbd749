"""ComfyUI's graphs: one prompt is read through every node that is known, and half of several is never taken.

The wirings are those of real pictures, of comfyanonymous/ComfyUI_examples above all; the texts are our own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from jobs.carrying import png, with_exif
from rivya_nb.contract.catalogue import bundled
from rivya_nb.contract.request import Request
from rivya_nb.errors import UsageError
from rivya_nb.jobs.recall import recall
from rivya_nb.store.store import Store

Graph = dict[str, Any]


def node(kind: str, **inputs: object) -> dict[str, object]:
    return {"class_type": kind, "inputs": inputs}


def text(words: object) -> dict[str, object]:
    return node("CLIPTextEncode", text=words, clip=["model", 1])


def sampled(seed: int = 7, positive: object = ("p", 0), negative: object = ("n", 0)) -> dict[str, object]:
    return node(
        "KSampler",
        seed=seed,
        steps=20,
        model=["model", 0],
        positive=list(positive),  # type: ignore[call-overload]
        negative=list(negative),  # type: ignore[call-overload]
        latent_image=["latent", 0],
    )


def graph(**nodes: dict[str, object]) -> Graph:
    """A text-to-picture graph whose sampler takes what is called `p` and `n`."""
    return {
        "model": node("CheckpointLoaderSimple", ckpt_name="dream.safetensors"),
        "latent": node("EmptyLatentImage", width=768, height=1024, batch_size=1),
        "n": text("fog"),
        "k": sampled(),
        "decode": node("VAEDecode", samples=["k", 0], vae=["model", 2]),
        "save": node("SaveImage", images=["decode", 0], filename_prefix="ComfyUI"),
        **nodes,
    }


def read(told: Graph, empty_store: Store) -> Request:
    return recall(png(prompt=json.dumps(told), workflow="{}"), empty_store, bundled())


ONE = {
    "plain": graph(p=text("a cat")),
    "control": graph(
        p=node("ControlNetApply", conditioning=["t", 0], control_net=["c", 0], image=["i", 0], strength=1),
        t=text("a cat"),
        c=node("ControlNetLoader", control_net_name="depth.pth"),
        i=node("LoadImage", image="depth.png"),
    ),
    "control of a pair": graph(
        k=sampled(positive=("c", 0), negative=("c", 1)),
        c=node("ControlNetApplyAdvanced", positive=["p", 0], negative=["n", 0], image=["i", 0]),
        p=text("a cat"),
        i=node("LoadImage", image="edges.png"),
    ),
    "guidance and reference": graph(
        p=node("FluxGuidance", conditioning=["r", 0], guidance=3.5),
        r=node("ReferenceLatent", conditioning=["t", 0], latent=["e", 0]),
        t=text("a cat"),
        n=node("ConditioningZeroOut", conditioning=["t", 0]),
    ),
    "style of a picture": graph(
        p=node("StyleModelApply", conditioning=["t", 0], style_model=["s", 0], clip_vision_output=["v", 0]),
        t=text("a cat"),
    ),
    "the same twice": graph(
        p=node("ConditioningCombine", conditioning_1=["t", 0], conditioning_2=["u", 0]),
        t=text("a cat"),
        u=text(" a cat "),
    ),
    "with an empty one": graph(
        p=node("ConditioningAverage", conditioning_to=["t", 0], conditioning_from=["e", 0]),
        t=text("a cat"),
        e=text(""),
    ),
    "a detailer": graph(
        p=text("a cat"),
        face=node("FaceDetailer", image=["decode", 0], positive=["p", 0], negative=["n", 0], seed=7, wildcard=""),
        save=node("SaveImage", images=["face", 0]),
    ),
    "two passes": graph(
        p=text("a cat"),
        up=node("LatentUpscale", samples=["k", 0], width=1536, height=2048),
        k2={**sampled(), "inputs": {**sampled()["inputs"], "latent_image": ["up", 0]}},  # type: ignore[dict-item]
        decode=node("VAEDecode", samples=["k2", 0], vae=["model", 2]),
    ),
    "base and refiner": graph(
        p=text("a cat"),
        k=node("KSamplerAdvanced", add_noise="enable", noise_seed=7, positive=["p", 0], negative=["n", 0],
               latent_image=["latent", 0]),
        k2=node("KSamplerAdvanced", add_noise="disable", noise_seed=0, positive=["r", 0], negative=["n", 0],
                latent_image=["k", 0]),
        r=text("a cat"),
        decode=node("VAEDecode", samples=["k2", 0], vae=["model", 2]),
    ),
    "a sampler without use": graph(
        p=text("a cat"), spare=sampled(seed=9, positive=("other", 0)), other=text("a dog")
    ),
    "custom sampler": graph(
        k=node("SamplerCustomAdvanced", noise=["s", 0], guider=["g", 0], latent_image=["latent", 0]),
        s=node("RandomNoise", noise_seed=7),
        g=node("CFGGuider", model=["model", 0], positive=["t", 0], negative=["n", 0], cfg=1),
        t=text("a cat"),
    ),
    "several encoders alike": graph(
        p=node("CLIPTextEncodeSDXL", text_g="a cat", text_l="a cat", clip=["model", 1], width=1024, height=1024)
    ),
    "an edit": graph(
        p=node("TextEncodeQwenImageEditPlus", prompt="a cat", clip=["model", 1], vae=["v", 0], image1=["i", 0]),
        i=node("LoadImage", image="dog.png"),
    ),
    "strings": graph(
        p=text(["join", 0]),
        join=node("StringConcatenate", string_a=["a", 0], string_b="cat", delimiter=" "),
        a=node("PrimitiveStringMultiline", value="a"),
    ),
    "a shown string": graph(
        p=text(["show", 0]), show=node("PreviewAny", source=["s", 0]), s=node("PrimitiveString", value="a cat")
    ),
    "filled wildcards": graph(
        p=text(["w", 0]),
        w=node("ImpactWildcardProcessor", wildcard_text="a __pet__", populated_text="a cat", mode="populate"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE)
def test_one_prompt_is_found_through_the_nodes_on_its_way(name: str, empty_store: Store) -> None:
    told = read(ONE[name], empty_store)
    assert told.prompt.strip() == "a cat"
    assert dict(told.params) == {"seed": 7, "aspect_ratio": "3:4"}
    pictures = any(each["class_type"] == "LoadImage" for each in ONE[name].values())
    assert any("other references too" in note for note in told.notes) is pictures


def combined(kind: str, first: str = "conditioning_1", second: str = "conditioning_2") -> Graph:
    return graph(p=node(kind, **{first: ["t", 0], second: ["u", 0]}), t=text("a cat"), u=text("a dog"))


SEVERAL = {
    "combined": combined("ConditioningCombine"),
    "concatenated": combined("ConditioningConcat", "conditioning_to", "conditioning_from"),
    "averaged": combined("ConditioningAverage", "conditioning_to", "conditioning_from"),
    "areas": graph(
        p=node("ConditioningCombine", conditioning_1=["a", 0], conditioning_2=["u", 0]),
        a=node("ConditioningSetArea", conditioning=["t", 0], width=512, height=512, x=0, y=0, strength=1),
        t=text("a cat"),
        u=text("a dog"),
    ),
    "a text in a box": graph(
        p=node("GLIGENTextBoxApply", conditioning_to=["t", 0], gligen_textbox_model=["g", 0], text="a dog", x=0),
        t=text("a cat"),
    ),
    "two passes": graph(
        p=text("a cat"),
        k2=sampled(seed=8, positive=("u", 0)),
        u=text("a dog"),
        decode=node("VAEDecode", samples=["k2", 0], vae=["model", 2]),
        again=node("LatentUpscale", samples=["k", 0]),
    ),
    "two pictures": graph(
        p=text("a cat"),
        k2=sampled(positive=("u", 0)),
        u=text("a dog"),
        save2=node("SaveImage", images=["k2", 0]),
    ),
    "regions of the model": graph(
        p=text("a cat"),
        k={**sampled(), "inputs": {**sampled()["inputs"], "model": ["couple", 0]}},  # type: ignore[dict-item]
        couple=node("AttentionCouple", model=["model", 0], cond_1=["r", 0], mask_1=["m", 0]),
        r=text("a dog"),
    ),
    "a detailer's own": graph(
        p=text("a cat"),
        face=node("FaceDetailer", image=["decode", 0], positive=["p", 0], negative=["n", 0], seed=7,
                  wildcard="a dog"),
        save=node("SaveImage", images=["face", 0]),
    ),
    "two encoders": graph(p=node("CLIPTextEncodeFlux", clip=["model", 1], clip_l="a cat", t5xxl="a dog")),
    "two guided": graph(
        k=node("SamplerCustomAdvanced", noise=["s", 0], guider=["g", 0], latent_image=["latent", 0]),
        s=node("RandomNoise", noise_seed=7),
        g=node("DualCFGGuider", cond1=["t", 0], cond2=["u", 0], negative=["n", 0]),
        t=text("a cat"),
        u=text("a dog"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SEVERAL)
def test_of_several_prompts_none_is_taken_for_the_whole(name: str, empty_store: Store) -> None:
    with pytest.raises(UsageError, match="no request can be read from it") as refused:
        read(SEVERAL[name], empty_store)
    assert "made it from 2 prompts" in str(refused.value)
    assert "'a cat'" in str(refused.value)
    assert "'a dog'" in str(refused.value)


UNKNOWN = {
    "a writer of prompts": (graph(p=text(["w", 0]), w=node("OllamaGenerate", prompt="a cat")), "OllamaGenerate"),
    "a joiner": (graph(p=text(["w", 0]), w=node("Text Concatenate", text_a="a cat")), "Text Concatenate"),
    "a switch": (
        graph(p=node("ImpactSwitch", input1=["t", 0], input2=["t", 0], select=1), t=text("a cat")),
        "ImpactSwitch",
    ),
    "a styler": (graph(p=node("StyledEncode", clip=["model", 1], text="a cat", style="noir")), "StyledEncode"),
    "a text beside a conditioning": (
        graph(p=node("AddWords", conditioning=["t", 0], text="a dog"), t=text("a cat")),
        "AddWords",
    ),
    "one known, one not": (
        graph(
            p=node("ConditioningCombine", conditioning_1=["t", 0], conditioning_2=["u", 0]),
            t=text("a cat"),
            u=node("StyledEncode", words="a dog"),
        ),
        "StyledEncode",
    ),
    "left wildcards": (
        graph(p=text(["w", 0]), w=node("ImpactWildcardProcessor", populated_text="a {cat|dog}")),
        "wildcards",
    ),
    "wildcards from elsewhere": (
        graph(p=text(["w", 0]), w=node("ImpactWildcardProcessor", wildcard_text=["t", 0], populated_text="a cat")),
        "ImpactWildcardProcessor",
    ),
    "a pair's third": (
        graph(k=sampled(positive=("c", 4)), c=node("Context", positive=["t", 0], negative=["n", 0]), t=text("a")),
        "Context",
    ),
    "no prompt": (graph(p=node("ConditioningZeroOut", conditioning=["t", 0]), t=text("a cat")), "no prompt"),
    "an empty prompt": (graph(p=text("")), "no prompt"),
    "a picture instead": (graph(p=node("SVD_img2vid_Conditioning", init_image=["i", 0])), "SVD_img2vid"),
    "no sampler": ({"1": node("FluxProUltraImageNode", prompt="a cat", seed=1)}, "no sampler"),
    "a missing node": (graph(), "lacks the node"),
    "a ring of texts": (graph(p=text(["p2", 0]), p2=node("PreviewAny", source=["p2", 0])), "is not text"),
    "a ring": (graph(p=node("FluxGuidance", conditioning=["p", 0])), "no prompt"),
    "a number": (graph(p=text(["w", 0]), w=node("PrimitiveString", value=7)), "is not text"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_cannot_be_followed_tells_no_prompt(name: str, empty_store: Store) -> None:
    told, reason = UNKNOWN[name]
    with pytest.raises(UsageError, match="no request can be read from it") as refused:
        read(told, empty_store)
    assert reason in str(refused.value)


def test_several_seeds_are_told_and_left_out(empty_store: Store) -> None:
    told = read(
        graph(
            p=text("a cat"), k2=sampled(seed=8), decode=node("VAEDecode", samples=["k2", 0], more=["k", 0])
        ),
        empty_store,
    )
    assert dict(told.params) == {"aspect_ratio": "3:4"}
    assert "seed: ComfyUI's samplers have 2 of them; they are left out" in told.notes


def test_the_negative_prompt_is_told_or_said_to_be_unknown(empty_store: Store) -> None:
    told = read(graph(p=text("a cat")), empty_store)
    assert "negative_prompt: wan-2-7-image-pro has no such param; 'fog' is left out" in told.notes
    unknown = read(graph(p=text("a cat"), n=text(["w", 0]), w=node("OllamaGenerate")), empty_store)
    assert unknown.prompt == "a cat"
    assert any(note.startswith("negative_prompt: ") and "OllamaGenerate" in note for note in unknown.notes)


def test_nodes_that_a_request_cannot_have_are_named(empty_store: Store) -> None:
    told = read(
        graph(p=text("a cat"), lora=node("LoraLoader", lora_name="ink"), face=node("FaceDetailer")),
        empty_store,
    )
    settings = "CheckpointLoaderSimple, EmptyLatentImage, LoraLoader, FaceDetailer"
    assert f"ComfyUI wrote settings that mean nothing here; left out: {settings}" in told.notes


def test_a_foreign_name_is_printable(empty_store: Store) -> None:
    told = read(graph(p=text("a cat"), bad=node("\x1b[31mLoader\n")), empty_store)
    assert all(note.isprintable() for note in told.notes)


def test_the_editor_s_workflow_alone_is_said_to_be_there(empty_store: Store) -> None:
    with pytest.raises(UsageError, match="not the graph that was run"):
        recall(png(workflow='{"nodes": []}'), empty_store, bundled())


@pytest.mark.parametrize("inside", [lambda told: told, lambda told: {"prompt": told, "workflow": {}},
                                    lambda told: {"prompt": json.dumps(told)}])  # fmt: skip
def test_a_graph_in_an_exif_comment_is_read(inside: Callable[[Graph], Graph], empty_store: Store) -> None:
    comment = b"UNICODE\0" + json.dumps(inside(graph(p=text("a cat")))).encode("utf-16-be")
    assert recall(with_exif("JPEG", {}, comment), empty_store, bundled()).prompt == "a cat"


@pytest.mark.parametrize("joint", ["ConditioningCombine", "StringConcatenate"])
def test_a_graph_that_doubles_at_every_node_is_read_at_once(joint: str, empty_store: Store) -> None:
    names = (
        ("conditioning_1", "conditioning_2") if joint == "ConditioningCombine" else ("string_a", "string_b")
    )
    nodes = {f"j{at}": node(joint, **{name: [f"j{at + 1}", 0] for name in names}) for at in range(90)}
    if joint == "ConditioningCombine":
        assert read(graph(p=nodes.pop("j0"), j90=text("a cat"), **nodes), empty_store).prompt == "a cat"
    else:
        with pytest.raises(UsageError, match="more than 100,000 characters"):
            read(graph(p=text(["j0", 0]), j90=node("PrimitiveString", value="a cat"), **nodes), empty_store)
