"""What files say about themselves: cameras, generators, and strangers who lie."""

import json
import time

import pytest
from PIL import ExifTags, Image, PngImagePlugin
from PIL.TiffImagePlugin import IFDRational

from functions.core.pictures import ai, exif
from functions.core.pictures.facts import number, tidy_ai, tidy_exif
from functions.core.pictures.metadata import read
from tests.support.images import a_jpeg, a_png, a_webp, opened

WEBUI = """a cat, <lora:soft:0.8>, (masterpiece:1.2)
second line
Negative prompt: dog, "blurry"
Steps: 28, Sampler: DPM++ 2M Karras, CFG scale: 6.5, Seed: 3141592653, Size: 512x768, Model hash: abc123, \
Model: dream_v8, Lora hashes: "soft: 1a2b, hard: 3c4d", Version: v1.9.4"""

COMFY = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 18446744073709551615, "steps": 20, "cfg": 7.5, "sampler_name": "euler", "scheduler": "normal",
            "denoise": 1, "model": ["10", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd_xl.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a castle", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": ["8", 0], "clip": ["4", 1]}},
    "8": {"class_type": "PrimitiveString", "inputs": {"value": "fog"}},
    "10": {"class_type": "LoraLoader", "inputs": {"lora_name": "x", "model": ["4", 0], "clip": ["4", 1]}},
}  # fmt: skip

COMFY_ADVANCED = {
    "1": {
        "class_type": "SamplerCustomAdvanced",
        "inputs": {"noise": ["2", 0], "guider": ["3", 0], "sampler": ["4", 0], "sigmas": ["5", 0], "latent_image": ["9", 0]},
    },
    "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": 42}},
    "3": {"class_type": "BasicGuider", "inputs": {"model": ["6", 0], "conditioning": ["7", 0]}},
    "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "heun"}},
    "5": {"class_type": "BasicScheduler", "inputs": {"steps": 4, "scheduler": "simple", "model": ["6", 0]}},
    "6": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux-dev.safetensors"}},
    "7": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["8", 0]}},
    "8": {"class_type": "CLIPTextEncode", "inputs": {"text": "a lighthouse"}},
    "9": {"class_type": "EmptyLatentImage", "inputs": {}},
}  # fmt: skip


def found(texts: dict[str, str]) -> dict[str, object]:
    return tidy_ai(ai.facts(texts))


def a_png_saying(**texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        info.add_text(key.replace("_", "-") if key == "sd_metadata" else key, text)
    return a_png(size=(8, 8), pnginfo=info)


def an_exif() -> Image.Exif:
    tags = Image.Exif()
    tags[0x010F], tags[0x0110], tags[0x0131] = "FUJIFILM", "X-T5", "darktable 4.8"
    inner = tags.get_ifd(ExifTags.IFD.Exif)
    inner[0x829A], inner[0x829D], inner[0x8827] = IFDRational(1, 250), IFDRational(28, 10), 400
    inner[0x920A], inner[0xA434] = IFDRational(35), "XF35mmF1.4 R"
    inner[0x9003], inner[0x9011] = "2024:05:01 12:30:00", "+02:00"
    place = tags.get_ifd(ExifTags.IFD.GPSInfo)
    place[1], place[2], place[29] = "N", (52.0, 31.0, 0.0), "2024:05:01"
    return tags


def test_a_camera_tells_what_photographers_look_for() -> None:
    facts, generated = read(opened(a_jpeg(size=(16, 16), exif=an_exif())))
    assert facts == {
        "camera": "FUJIFILM X-T5", "lens": "XF35mmF1.4 R", "exposure": "1/250", "aperture": 2.8, "iso": 400,
        "focalLength": 35, "takenAt": "2024-05-01T12:30:00+02:00", "software": "darktable 4.8",
    }  # fmt: skip
    assert generated == {}


@pytest.mark.promises("S35")
def test_where_a_picture_was_taken_is_never_read() -> None:
    facts, generated = read(opened(a_jpeg(size=(16, 16), exif=an_exif())))
    assert "52" not in json.dumps([facts, generated])


def test_nonsense_in_exif_is_left_out() -> None:
    tags = Image.Exif()
    inner = tags.get_ifd(ExifTags.IFD.Exif)
    inner[0x829A], inner[0x829D], inner[0x9003] = IFDRational(1, 0), IFDRational(0, 0), "0000:00:00 00:00:00"
    assert read(opened(a_jpeg(size=(8, 8), exif=tags)))[0] == {}


def test_a_model_that_names_its_maker_is_not_said_twice() -> None:
    assert exif.facts({0x010F: "Canon", 0x0110: "Canon EOS R5"})["camera"] == "Canon EOS R5"


def test_the_web_ui_writes_one_text() -> None:
    assert found({"parameters": WEBUI}) == {
        "tool": "AUTOMATIC1111", "prompt": "a cat, <lora:soft:0.8>, (masterpiece:1.2)\nsecond line",
        "negativePrompt": 'dog, "blurry"', "model": "dream_v8", "seed": 3141592653, "steps": 28,
        "sampler": "DPM++ 2M Karras", "cfg": 6.5, "raw": WEBUI,
    }  # fmt: skip


def test_a_prompt_without_a_negative_one_has_none() -> None:
    facts = found({"parameters": "a cat\nSteps: 5, Sampler: Euler a, Seed: 1"})
    assert facts["prompt"] == "a cat"
    assert "negativePrompt" not in facts


@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-16-le"])
@pytest.mark.parametrize("make", [a_jpeg, a_webp])
def test_the_web_ui_writes_user_comments_where_there_are_no_texts(make: type, encoding: str) -> None:
    tags = Image.Exif()
    tags.get_ifd(ExifTags.IFD.Exif)[0x9286] = b"UNICODE\0" + WEBUI.encode(encoding)
    generated = read(opened(make(size=(16, 16), exif=tags.tobytes())))[1]
    assert (generated["tool"], generated["seed"], generated["model"]) == ("AUTOMATIC1111", 3141592653, "dream_v8")


def test_a_user_comment_that_is_no_prompt_is_nothing() -> None:
    assert found({"UserComment": "Charset=Ascii holiday 2019"}) == {}


def test_comfy_is_read_along_its_links() -> None:
    facts = found({"prompt": json.dumps(COMFY), "workflow": "{}"})
    assert facts.pop("raw") == json.dumps(COMFY)
    assert facts == {
        "tool": "ComfyUI", "prompt": "a castle", "negativePrompt": "fog", "model": "sd_xl.safetensors",
        "seed": 18446744073709551615, "steps": 20, "sampler": "euler", "cfg": 7.5,
    }  # fmt: skip


def test_comfys_newer_samplers_spread_the_same_facts_over_more_nodes() -> None:
    facts = found({"prompt": json.dumps(COMFY_ADVANCED)})
    del facts["raw"]
    assert facts == {
        "tool": "ComfyUI", "prompt": "a lighthouse", "model": "flux-dev.safetensors",
        "seed": 42, "steps": 4, "sampler": "heun", "cfg": 3.5,
    }  # fmt: skip


def test_comfy_hides_its_graph_in_the_camera_of_a_webp() -> None:
    tags = Image.Exif()
    tags[0x0110], tags[0x010F] = "prompt:" + json.dumps(COMFY), 'workflow:{"nodes": []}'
    facts, generated = read(opened(a_webp(size=(16, 16), exif=tags.tobytes())))
    assert generated["prompt"] == "a castle"
    assert "camera" not in facts


def test_a_workflow_alone_still_names_the_tool() -> None:
    assert found({"workflow": '{"nodes": [1]}'})["tool"] == "ComfyUI"


def test_links_in_a_circle_end() -> None:
    circle = {
        "1": {"class_type": "KSampler", "inputs": {"latent_image": ["1", 0], "positive": ["2", 0], "seed": ["3", 0]}},
        "2": {"class_type": "A", "inputs": {"conditioning": ["3", 0]}},
        "3": {"class_type": "B", "inputs": {"conditioning": ["2", 0], "text": ["3", 0]}},
    }
    assert found({"prompt": json.dumps(circle)})["tool"] == "ComfyUI"


def test_invoke_has_three_ages() -> None:
    newest = {
        "positive_prompt": "a fox", "negative_prompt": "snow", "seed": 7, "steps": 30, "scheduler": "euler",
        "cfg_scale": 5.5, "model": {"name": "juggernaut"},
    }  # fmt: skip
    older = {
        "model_weights": "sd-1.5",
        "image": {
            "prompt": [{"prompt": "a fox", "weight": 1}],
            "seed": 7,
            "steps": 30,
            "sampler": "k_euler",
            "cfg_scale": 5.5,
        },
    }
    for texts in (
        {"invokeai_metadata": json.dumps(newest)},
        {"sd-metadata": json.dumps(older)},
        {"Dream": '"a fox" -s 30 -S 7 -W 512 -H 512 -C 5.5 -A k_euler'},
    ):
        facts = found(texts)
        assert [facts[key] for key in ("tool", "prompt", "seed", "steps", "cfg")] == ["InvokeAI", "a fox", 7, 30, 5.5]
    assert found({"invokeai_metadata": json.dumps(newest)})["model"] == "juggernaut"


def test_novelai_writes_a_comment_in_json() -> None:
    comment = {"prompt": "1girl", "uc": "lowres", "steps": 28, "scale": 5, "seed": 99, "sampler": "k_euler"}
    texts = {
        "Software": "NovelAI",
        "Source": "NovelAI Diffusion V4",
        "Description": "1girl",
        "Comment": json.dumps(comment),
    }
    facts = found(texts)
    del facts["raw"]
    assert facts == {
        "tool": "NovelAI", "prompt": "1girl", "negativePrompt": "lowres", "model": "NovelAI Diffusion V4",
        "seed": 99, "steps": 28, "sampler": "k_euler", "cfg": 5,
    }  # fmt: skip


def test_texts_of_a_png_reach_the_reader() -> None:
    assert read(opened(a_png_saying(parameters=WEBUI)))[1]["seed"] == 3141592653


@pytest.mark.promises("S37")
def test_texts_are_capped_and_cleaned_and_numbers_are_numbers() -> None:
    facts = tidy_ai(
        {
            "tool": "x" * 999, "prompt": "p\u202e\x00" * 99_999, "raw": "r" * 99_999, "sampler": ["list"],
            "seed": float("nan"), "steps": True, "cfg": -1, "unknown": "key",
        }
    )  # fmt: skip
    assert {key: len(str(value)) for key, value in facts.items()} == {"tool": 200, "prompt": 10_000, "raw": 20_000}
    assert tidy_exif({"camera": "a\nb\x07", "iso": "1e999", "gps": "52,13"}) == {"camera": "a b"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", 7),
        (" 6.50 ", 6.5),
        (1 << 64, None),
        ("1" * 5000, None),
        ("nan", None),
        ("٣", None),
        (None, None),
        (7.0, 7),
    ],
)
def test_numbers_come_out_of_short_texts(value: object, expected: float | None) -> None:
    assert number(value) == expected


HOSTILE = {
    "settings without end": "x\nSteps: " + "a: " * 333_333,
    "open quotes": "x\nSteps: " + 'A: "' * 250_000,
    "backslashes": 'x\nSteps: 1, A: "' + "\\" * 999_000,
    "negative prompts": "\nNegative prompt:" * 60_000 + "\nSteps: 1",
    "deep lists": '{"a":' + "[" * 999_000,
    "deep objects": '{"a":' * 200_000,
    "a long number": '{"seed":' + "9" * 999_000 + "}",
    "spaces": " " * 1_000_000,
    "options": '"x"' + " -s" * 333_000,
}  # fmt: skip


@pytest.mark.promises("S37", "S52")
@pytest.mark.parametrize("key", ["parameters", "prompt", "invokeai_metadata", "sd-metadata", "Dream", "UserComment"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_megabyte_of_hostile_text_costs_less_than_50_ms(key: str, text: str) -> None:
    start = time.process_time()
    tidy_ai(ai.facts({key: text}))
    assert time.process_time() - start < 0.05


@pytest.mark.promises("S37", "S52")
def test_a_graph_of_everything_linked_to_everything_is_walked_in_bounds() -> None:
    links = {str(node): [str(node), 0] for node in range(150)}
    graph = {
        str(node): {"class_type": "KSampler", "inputs": {**links, "latent_image": ["1", 0]}} for node in range(150)
    }
    start = time.process_time()
    ai.facts({"prompt": json.dumps(graph)})
    assert time.process_time() - start < 0.5


@pytest.mark.promises("S37")
@pytest.mark.filterwarnings("ignore")  # as in the child
@pytest.mark.parametrize("at", range(0, 120, 7))
def test_damaged_exif_costs_only_itself(at: int) -> None:
    data = an_exif().tobytes()
    damaged = data[:at] + b"\xff\xff\xff" + data[at + 3 :]
    facts, generated = read(opened(a_webp(size=(8, 8), exif=damaged)))
    assert set(facts) <= {"camera", "lens", "exposure", "aperture", "iso", "focalLength", "takenAt", "software"}
    assert generated == {}
