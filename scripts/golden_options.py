"""The options of a configuration that an update depends on, by dotted path, with the program's
defaults. Reads the part of YAML that our configurations use: nested mappings in block or flow form,
flow lists, scalars, comments."""
import re

DEFAULTS = {
    "algorithm.name": "sac",
    "algorithm.gamma": 0.99,
    "algorithm.tau": 0.005,
    "algorithm.policy_lr": 3e-4,
    "algorithm.q_lr": 3e-4,
    "algorithm.v_lr": 3e-4,
    "algorithm.alpha_lr": 3e-4,
    "algorithm.ent_coef": None,
    "algorithm.alpha_loss": "log_alpha",
    "algorithm.target_entropy": "auto",
    "algorithm.reward_scale": 1.0,
    "algorithm.actor_q": "min",
    "algorithm.update_order": "auto",
    "algorithm.critic_loss": "mse",
    "algorithm.max_grad_norm": None,
    "algorithm.max_grad_value": None,
    "algorithm.n_critics": 2,
    "algorithm.target_subset": 2,
    "algorithm.n_steps": 1,
    "algorithm.priority.enabled": False,
    "algorithm.adam.beta1": 0.9,
    "algorithm.adam.beta2": 0.999,
    "algorithm.adam.eps": 1e-8,
    "algorithm.action_prior": "uniform",
    "run.seed": 1,
    "policy.activation": "relu",
    "policy.layer_norm": False,
    "policy.squash": True,
    "policy.log_std.mode": "clamp",
    "policy.log_std.min": -20.0,
    "policy.log_std.max": 2.0,
    "policy.squash_correction": "exact",
    "critic.activation": "relu",
    "critic.layer_norm": False,
    "critic.dropout": 0.0,
}


def scalar(text):
    """One YAML scalar as None, bool, float or text."""
    text = text.strip().strip("'\"")
    known = {"null": None, "~": None, "": None, "true": True, "false": False}
    if text.lower() in known:
        return known[text.lower()]
    try:
        return float(text.replace("_", ""))
    except ValueError:
        return text


def split_flow(text):
    """Split the inside of a flow mapping or list at its outer commas."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part for part in parts if part.strip()]


def take_value(options, path, text):
    """Store the value `text` under `path`; a flow mapping stores one entry a key."""
    text = text.strip()
    if text.startswith("{"):
        for part in split_flow(text[1:-1]):
            key, _, value = part.partition(":")
            take_value(options, f"{path}.{key.strip()}", value)
    elif text.startswith("["):
        options[path] = [scalar(part) for part in split_flow(text[1:-1])]
    else:
        options[path] = scalar(text)


def parse(text):
    """{dotted path: value} of a configuration's text."""
    options, parents = {}, []
    for line in text.splitlines():
        line = re.sub(r"(^|\s)#.*", "", line).rstrip()
        if not line:
            continue
        indent = len(line) - len(line.lstrip())
        parents = [parent for parent in parents if parent[0] < indent]
        key, _, value = line.strip().partition(":")
        path = ".".join([parent[1] for parent in parents] + [key])
        if value.strip():
            take_value(options, path, value)
        else:
            parents.append((indent, key))
    return options


def resolve(config_path=None, overrides=()):
    """The options of a file and of `key=value` overrides above the defaults."""
    options = dict(DEFAULTS)
    if config_path:
        with open(config_path, encoding="utf-8") as file:
            options.update(parse(file.read()))
    for override in overrides:
        path, _, value = override.partition("=")
        take_value(options, path, value)
    return options
