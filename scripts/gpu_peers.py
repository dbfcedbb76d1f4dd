#!/usr/bin/env python3
"""Times one SAC update (observation 17, action 6, 256x256, twin critics, learned temperature)
written in PyTorch and in JAX, as their users would write it for speed, on one device.

  gpu_peers.py torch-eager|torch-compile|torch-graph|jax-jit|jax-scan [--batch N] [--device NAME]

The replay (100,000 rows) lies on the device and the batch is drawn there. Prints one JSON line with
the median microseconds an update over windows of about 0.3 s, with the lowest and highest."""
import argparse
import json
import math
import statistics
import time

OBS, ACT, HIDDEN, ROWS = 17, 6, 256, 100_000
GAMMA, TAU, RATE = 0.99, 0.005, 3e-4
SCAN = 100


def measure(update, wait, updates_a_call=1):
    """Median, least and largest microseconds an update."""
    for _ in range(5):
        update()
    wait()
    begin = time.perf_counter()
    update()
    wait()
    calls = max(1, int(0.3 / max(time.perf_counter() - begin, 1e-6)))
    found = []
    for _ in range(7):
        begin = time.perf_counter()
        for _ in range(calls):
            update()
        wait()
        found.append((time.perf_counter() - begin) * 1e6 / calls / updates_a_call)
    return {"us_per_update": statistics.median(found), "least": min(found), "most": max(found)}


# ---- PyTorch


def torch_update(form, batch, device):
    import torch
    from torch import nn
    from torch.nn import functional as F

    torch.manual_seed(0)
    on_cuda = device == "cuda"

    class Stack(nn.Module):
        """Two critics side by side: one batched product a layer."""

        def __init__(self):
            super().__init__()
            sizes = [OBS + ACT, HIDDEN, HIDDEN, 1]
            self.weights = nn.ParameterList(
                nn.Parameter(torch.randn(2, i, o) / math.sqrt(i)) for i, o in zip(sizes, sizes[1:]))
            self.biases = nn.ParameterList(
                nn.Parameter(torch.zeros(2, 1, o)) for o in sizes[1:])

        def forward(self, x):
            x = x.expand(2, *x.shape)
            for i, (weight, bias) in enumerate(zip(self.weights, self.biases)):
                x = torch.baddbmm(bias, x, weight)
                x = F.relu(x) if i < 2 else x
            return x[..., 0]

    policy = nn.Sequential(nn.Linear(OBS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(),
                           nn.Linear(HIDDEN, 2 * ACT)).to(device)
    q, target = Stack().to(device), Stack().to(device)
    target.load_state_dict(q.state_dict())
    log_alpha = torch.zeros((), device=device, requires_grad=True)
    options = {"lr": RATE, "fused": True, "capturable": True} if on_cuda else {"lr": RATE}
    optimisers = [torch.optim.Adam(p, **options) for p in
                  (list(q.parameters()), list(policy.parameters()), [log_alpha])]
    data = [torch.randn(ROWS, width, device=device) for width in (OBS, OBS)]
    actions = torch.tanh(torch.randn(ROWS, ACT, device=device))
    rewards, ends = torch.randn(ROWS, device=device), torch.zeros(ROWS, device=device)

    def sample(obs):
        mean, log_std = policy(obs).chunk(2, -1)
        log_std = log_std.clamp(-20, 2)
        noise = torch.randn_like(mean)
        u = mean + log_std.exp() * noise
        log_pi = (-0.5 * noise**2 - log_std - 0.5 * math.log(2 * math.pi)
                  - 2 * (math.log(2) - u - F.softplus(-2 * u))).sum(-1)
        return torch.tanh(u), log_pi

    def update():
        index = torch.randint(ROWS, (batch,), device=device)
        obs, next_obs = data[0][index], data[1][index]
        both, log_pi_both = sample(torch.cat([obs, next_obs]))
        action, log_pi = both[:batch], log_pi_both[:batch]
        with torch.no_grad():
            alpha = log_alpha.exp()
            least = target(torch.cat([next_obs, both[batch:]], -1)).amin(0)
            y = rewards[index] + GAMMA * (1 - ends[index]) * (least - alpha * log_pi_both[batch:])
        q_loss = 0.5 * ((q(torch.cat([obs, actions[index]], -1)) - y)**2).mean(1).sum()
        optimisers[0].zero_grad(set_to_none=True)
        q_loss.backward(inputs=list(q.parameters()))
        optimisers[0].step()
        policy_loss = (alpha * log_pi - q(torch.cat([obs, action], -1)).amin(0)).mean()
        optimisers[1].zero_grad(set_to_none=True)
        policy_loss.backward(inputs=list(policy.parameters()))
        optimisers[1].step()
        alpha_loss = -(log_alpha * (log_pi.detach() - ACT).mean())
        optimisers[2].zero_grad(set_to_none=True)
        alpha_loss.backward(inputs=[log_alpha])
        optimisers[2].step()
        with torch.no_grad():
            torch._foreach_lerp_(list(target.parameters()), list(q.parameters()), TAU)

    wait = torch.cuda.synchronize if on_cuda else lambda: None
    if form == "torch-compile":
        return measure(torch.compile(update), wait)
    if form == "torch-graph":
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                update()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            update()
        return measure(graph.replay, wait)
    return measure(update, wait)


# ---- JAX


def jax_update(form, batch, device):
    import jax
    from jax import numpy as jnp

    chosen = jax.devices("cpu" if device == "cpu" else "gpu")[0]

    def layers(key, sizes, lead=()):
        keys = jax.random.split(key, len(sizes) - 1)
        return [(jax.random.normal(k, (*lead, i, o)) / math.sqrt(i), jnp.zeros((*lead, 1, o)))
                for k, i, o in zip(keys, sizes, sizes[1:])]

    def forward(net, x):
        for i, (weight, bias) in enumerate(net):
            x = x @ weight + bias
            x = jax.nn.relu(x) if i + 1 < len(net) else x
        return x

    def judge(q, obs, action):
        return forward(q, jnp.concatenate([obs, action], -1))[..., 0]

    def sample(policy, obs, key):
        mean, log_std = jnp.split(forward(policy, obs), 2, -1)
        log_std = jnp.clip(log_std, -20, 2)
        noise = jax.random.normal(key, mean.shape)
        u = mean + jnp.exp(log_std) * noise
        log_pi = (-0.5 * noise**2 - log_std - 0.5 * math.log(2 * math.pi)
                  - 2 * (math.log(2) - u - jax.nn.softplus(-2 * u))).sum(-1)
        return jnp.tanh(u), log_pi

    def adam(parameters, grads, moments, t):
        firsts = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, moments[0], grads)
        seconds = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, moments[1], grads)
        rate, root = RATE / (1 - 0.9**t), 1 / jnp.sqrt(1 - 0.999**t)
        moved = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) * root + 1e-8),
                             parameters, firsts, seconds)
        return moved, (firsts, seconds)

    def update(state, data):
        t = state["t"] + 1
        key, index_key, noise_key = jax.random.split(state["key"], 3)
        index = jax.random.randint(index_key, (batch,), 0, ROWS)
        obs, action, reward, end, next_obs = (part[index] for part in data)
        alpha = jnp.exp(state["log_alpha"])
        now_key, next_key = jax.random.split(noise_key)
        next_action, next_log_pi = sample(state["policy"], next_obs, next_key)
        least = judge(state["target"], next_obs, next_action).min(0)
        y = reward + GAMMA * (1 - end) * (least - alpha * next_log_pi)
        grads = jax.grad(lambda q: 0.5 * ((judge(q, obs, action) - y)**2).mean(1).sum())(state["q"])
        q, q_moments = adam(state["q"], grads, state["q_moments"], t)

        def policy_loss(policy):
            a, log_pi = sample(policy, obs, now_key)
            return (alpha * log_pi - judge(q, obs, a).min(0)).mean(), log_pi.mean()

        grads, log_pi = jax.grad(policy_loss, has_aux=True)(state["policy"])
        policy, policy_moments = adam(state["policy"], grads, state["policy_moments"], t)
        log_alpha, alpha_moments = adam(state["log_alpha"], -(log_pi - ACT),
                                        state["alpha_moments"], t)
        target = jax.tree.map(lambda a, b: (1 - TAU) * a + TAU * b, state["target"], q)
        return {"key": key, "t": t, "q": q, "target": target, "policy": policy,
                "log_alpha": log_alpha, "q_moments": q_moments, "policy_moments": policy_moments,
                "alpha_moments": alpha_moments}

    with jax.default_device(chosen):
        keys = jax.random.split(jax.random.key(0), 8)
        policy = layers(keys[0], [OBS, HIDDEN, HIDDEN, 2 * ACT])
        q = layers(keys[1], [OBS + ACT, HIDDEN, HIDDEN, 1], (2,))
        blank = lambda tree: (jax.tree.map(jnp.zeros_like, tree),) * 2  # noqa: E731
        state = {"key": keys[7], "t": jnp.float32(0), "q": q, "policy": policy,
                 "target": jax.tree.map(jnp.copy, q), "log_alpha": jnp.float32(0),
                 "q_moments": blank(q), "policy_moments": blank(policy),
                 "alpha_moments": blank(jnp.float32(0))}
        data = (jax.random.normal(keys[2], (ROWS, OBS)),
                jnp.tanh(jax.random.normal(keys[3], (ROWS, ACT))),
                jax.random.normal(keys[4], (ROWS,)), jnp.zeros(ROWS),
                jax.random.normal(keys[5], (ROWS, OBS)))
        many = 1 if form == "jax-jit" else SCAN

        def step(state, data):
            if many == 1:
                return update(state, data)
            return jax.lax.scan(lambda s, _: (update(s, data), None), state, None, many)[0]

        compiled = jax.jit(step)
        kept = [compiled(state, data)]

        def call():
            kept[0] = compiled(kept[0], data)

        return measure(call, lambda: jax.block_until_ready(kept[0]), many)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("form", choices=["torch-eager", "torch-compile", "torch-graph", "jax-jit",
                                         "jax-scan"])
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    arguments = parser.parse_args()
    run = torch_update if arguments.form.startswith("torch") else jax_update
    found = run(arguments.form, arguments.batch, arguments.device)
    print(json.dumps({"program": arguments.form, "batch": arguments.batch,
                      "device": arguments.device, **found}))


if __name__ == "__main__":
    main()
