"""Samples a model with Retort and with transformers and compares. Opt-in:

    python3 -m venv VENV && VENV/bin/pip install torch transformers
    VENV/bin/python tests/parity/sampling_parity.py RETORT FOLDER

FOLDER is a model with a chat template, small enough to be asked a few hundred times. Compared are
greedy answers, with and without repetition_penalty, id by id; what is drawn first, thousands of times,
with the probabilities that transformers' own logits processors leave; where an answer ends, for ids of
generation_config.json, and again for the folder that a run of Retort has saved; and the second turn of
a chat.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.generation import logits_process as lp

QUESTION = "Name three colours, and three colours again."
DRAWS = 3000
SETTINGS = [{}, {"temperature": 0.7}, {"top_k": 5}, {"top_p": 0.8}, {"min_p": 0.1},
            {"repetition_penalty": 1.5}, {"temperature": 1.4, "top_k": 30, "top_p": 0.9, "min_p": 0.02,
                                          "repetition_penalty": 1.2}]


def retort(program, *words, text=""):
    done = subprocess.run([program, *map(str, words)], input=text, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}: {done.stderr}")
    return done.stdout


def completions(program, folder, *flags):
    return json.loads(retort(program, "generate", folder, "-p", QUESTION, "--json", *flags))["completions"]


def expect(same, what):
    print(("the same: " if same else "DIFFERENT: ") + what, flush=True)
    if not same:
        sys.exit(1)


def flags_of(setting):
    return [word for key, value in setting.items() for word in ("--" + key.replace("_", "-"), value)]


def probabilities(model, ids, setting):
    """What transformers would draw the next token from."""
    processors = lp.LogitsProcessorList()
    if "repetition_penalty" in setting:
        processors.append(lp.RepetitionPenaltyLogitsProcessor(setting["repetition_penalty"]))
    if "temperature" in setting:
        processors.append(lp.TemperatureLogitsWarper(setting["temperature"]))
    if "top_k" in setting:
        processors.append(lp.TopKLogitsWarper(setting["top_k"]))
    if "top_p" in setting:
        processors.append(lp.TopPLogitsWarper(setting["top_p"]))
    if "min_p" in setting:
        processors.append(lp.MinPLogitsWarper(setting["min_p"]))
    with torch.no_grad():
        logits = model(ids).logits[:, -1].float()
    return torch.softmax(processors(ids, logits)[0].double(), -1)


def compare_draws(program, folder, model, setting):
    rows = completions(program, folder, "--samples", DRAWS, "-n", 1, *flags_of(setting))
    drawn = torch.zeros(model.config.vocab_size, dtype=torch.float64)
    for row in rows:
        drawn[row["completion_ids"][0]] += 1
    p = probabilities(model, torch.tensor([rows[0]["prompt_ids"]]), setting)
    never = (p[: len(drawn)] < 1e-12) & (drawn > 0)
    # Of ids that are expected ten times and more; the rest is one.
    often = p * DRAWS >= 10
    expected = torch.cat([p[often], p[~often].sum()[None]]) * DRAWS
    seen = torch.cat([drawn[often], drawn[~often].sum()[None]])
    cells = expected > 0
    chi_square = ((seen - expected) ** 2 / expected)[cells].sum().item()
    freedom = int(cells.sum()) - 1
    limit = freedom + 4 * (2 * max(freedom, 1)) ** 0.5 + 4
    expect(not never.any() and chi_square < limit,
           f"draws with {setting or 'nothing'}: chi-square {chi_square:.0f} of {freedom}, limit {limit:.0f}")


def compare_greedy(program, folder, model, **setting):
    row = completions(program, folder, "-n", 60, "--greedy", *flags_of(setting))[0]
    prompt = torch.tensor([row["prompt_ids"]])
    said = model.generate(prompt, attention_mask=torch.ones_like(prompt), do_sample=False,
                          max_new_tokens=60, **setting)[0, prompt.shape[1]:].tolist()
    expect(said == row["completion_ids"], f"{len(said)} greedy tokens with {setting or 'nothing'} in {folder}")
    return row


def with_stops(folder, name, stops):
    copy = pathlib.Path(name)
    shutil.copytree(folder, copy)
    config = json.loads((copy / "generation_config.json").read_text())
    config["eos_token_id"] = stops
    (copy / "generation_config.json").write_text(json.dumps(config))
    return copy


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def main():
    program, folder = sys.argv[1:]
    model = load(folder)
    for setting in SETTINGS:
        compare_draws(program, folder, model, setting)
    free = compare_greedy(program, folder, model)
    compare_greedy(program, folder, model, repetition_penalty=1.3)

    with tempfile.TemporaryDirectory() as name:
        ids = free["completion_ids"]
        stops = [ids[len(ids) // 2], model.generation_config.eos_token_id]
        copy = with_stops(folder, name + "/model", stops)
        row = compare_greedy(program, copy, load(copy))
        expect(row["finish_reason"] == "stop" and row["completion_ids"][-1] in stops, f"it ends at one of {stops}")
        recipe = {"name": "saved", "prompt_template": "chat", "models": {"m": {"path": str(copy)}},
                  "stages": [{"type": "export"}]}
        (pathlib.Path(name) / "saved.json").write_text(json.dumps(recipe))
        retort(program, "run", name + "/saved.json", "--out", name + "/out")
        saved = name + "/out/export"
        expect(GenerationConfig.from_pretrained(saved).eos_token_id == stops, "the saved folder's eos_token_id")
        again = compare_greedy(program, saved, load(saved))
        expect(again["completion_ids"] == row["completion_ids"], "it says the same")

        talk = name + "/talk.json"
        retort(program, "chat", folder, "--greedy", "-n", 40, text=f"{QUESTION}\nAnd then?\n/save {talk}\n")
        messages = json.loads(pathlib.Path(talk).read_text())
        tokenizer = AutoTokenizer.from_pretrained(folder)
        prompt = tokenizer.apply_chat_template(messages[:3], add_generation_prompt=True, return_tensors="pt",
                                               return_dict=True)["input_ids"]
        said = model.generate(prompt, attention_mask=torch.ones_like(prompt), do_sample=False,
                              max_new_tokens=40)[0, prompt.shape[1]:]
        text = tokenizer.decode(said, skip_special_tokens=True)
        expect(text == messages[3]["content"], f"the second turn of a chat: {text[:60]!r}…")


if __name__ == "__main__":
    main()
