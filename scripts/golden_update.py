"""One update of soft actor-critic in float64 numpy, written from the papers alone, as the reference
that the program's own update is compared with.

SAC with a value network: Haarnoja et al. 2018, arXiv 1801.01290; with a learned temperature:
arXiv 1812.05905. Tensors carry the program's names; weights are (out, in)."""
import numpy as np

import golden_philox

LOG_2PI = np.log(2 * np.pi)
KNEE, TIE = 1e-6, 1e-5  # nearer than this, rounding may decide a branch
CANCELLED = 0.1  # a difference this small beside its terms holds little but their rounding
ALIKE = 100  # units this much larger than their deviation are normalised to little but rounding


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


class Trail(list):
    """The inputs of every layer in a forward pass, and what its hidden layers did to each product:
    (dropout's factors, normalised units or None, rate)."""

    def __init__(self, x):
        super().__init__([x])
        self.hidden = []


class Mlp:
    """A multilayer perceptron over named tensors; the last layer may be split over two heads.
    Between a hidden layer's product and its activation come dropout (Srivastava et al. 2014) and,
    where there are tensors for it, layer normalisation (Ba et al. 2016)."""

    def __init__(self, tensors, trunk, heads, activation):
        indices = sorted({int(name[len(trunk):].split(".")[0]) for name in tensors
                          if name.startswith(trunk) and name[len(trunk)].isdigit()})
        linear = [i for i in indices if np.ndim(tensors[f"{trunk}{i}.weight"]) == 2]
        self.norms = [f"{trunk}{i}" for i in indices if i not in linear]
        self.scales = [tensors[name + ".weight"] for name in self.norms]
        self.shifts = [tensors[name + ".bias"] for name in self.norms]
        groups = [[f"{trunk}{index}"] for index in linear] + ([heads] if heads else [])
        self.names = groups
        self.weights = [np.concatenate([tensors[n + ".weight"] for n in g]) for g in groups]
        self.biases = [np.concatenate([tensors[n + ".bias"] for n in g]) for g in groups]
        self.tanh = activation == "tanh"

    def forward(self, x, masks=None):
        """Return the output and its trail; `masks(layer, shape)` are dropout's factors."""
        inputs, knee = Trail(x), np.full(len(x), np.inf)
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases)):
            z = inputs[-1] @ weight.T + bias
            if layer + 1 == len(self.weights):
                self.knee = knee
                return z, inputs
            z = self.normalise(layer, z, masks, inputs)
            knee[self.alike] = 0
            if not self.tanh:
                # a unit with no input at all is not decided by rounding
                knee = np.minimum(knee, np.where(z == 0, np.inf, np.abs(z)).min(1))
            inputs.append(np.tanh(z) if self.tanh else np.maximum(z, 0))

    def normalise(self, layer, z, masks, trail):
        mask, x, rate = (masks(layer, z.shape) if masks else np.ones_like(z)), None, 1.0
        z = z * mask
        self.alike = np.zeros(len(z), bool)
        if self.norms:
            rate = 1 / np.sqrt(z.var(1, keepdims=True) + 1e-5)
            self.alike = (np.abs(z) * rate).max(1) > ALIKE if z.shape[1] > 1 else self.alike
            x = (z - z.mean(1, keepdims=True)) * rate
            z = x * self.scales[layer] + self.shifts[layer]
        trail.hidden.append((mask, x, rate))
        return z

    def unnormalise(self, layer, d, trail, grads):
        """From the gradient of what the activation took to that of the product."""
        mask, x, rate = trail.hidden[layer]
        if self.norms:
            name = self.norms[layer]
            grads[name + ".weight"], grads[name + ".bias"] = (d * x).sum(0), d.sum(0)
            d = d * self.scales[layer]
            d = rate * (d - d.mean(1, keepdims=True) - x * (d * x).mean(1, keepdims=True))
        return d * mask

    def backward(self, inputs, d):
        """Return {name: gradient} and the gradient with respect to the input."""
        grads = {}
        for layer in reversed(range(len(self.weights))):
            parts = np.split(d.T @ inputs[layer], len(self.names[layer]))
            biases = np.split(d.sum(0), len(self.names[layer]))
            for name, weight, bias in zip(self.names[layer], parts, biases):
                grads[name + ".weight"], grads[name + ".bias"] = weight, bias
            d = d @ self.weights[layer]
            if layer:
                h = inputs[layer]
                d = self.unnormalise(layer - 1, d * (1 - h * h if self.tanh else h > 0), inputs,
                                     grads)
        return grads, d


def actor_of(tensors, options):
    return Mlp(tensors, "actor.latent_pi.", ["actor.mu", "actor.log_std"],
               options["policy.activation"])


def critics_of(tensors, options, stack="critic"):
    count = len({name.split(".")[1] for name in tensors if name.startswith(stack + ".qf")})
    return [Mlp(tensors, f"{stack}.qf{i}.", None, options["critic.activation"])
            for i in range(count)]


def value_of(tensors, options, stack="value"):
    return Mlp(tensors, stack + ".", None, options["critic.activation"])


class Sample:
    """An action drawn with given noise, its log-probability, and what the gradient needs."""

    def __init__(self, actor, obs, noise, options):
        head, self.inputs = actor.forward(obs)
        mean, self.raw = np.split(head, 2, axis=1)
        self.options, self.actor, self.noise = options, actor, noise
        self.log_std = self.log_std_of_raw()
        u = mean + np.exp(self.log_std) * noise
        self.action = np.tanh(u) if options["policy.squash"] else u
        correction = self.correction(u)
        self.log_pi = (-0.5 * noise**2 - self.log_std - 0.5 * LOG_2PI - correction).sum(1)
        # what the rounding of log pi is measured against, as its terms may cancel
        self.size = (0.5 * noise**2 + np.abs(self.log_std) + np.abs(correction)).sum(1)

    def log_std_of_raw(self):
        mode, x = self.options["policy.log_std.mode"], self.raw
        low, high = self.options["policy.log_std.min"], self.options["policy.log_std.max"]
        if mode == "clamp":
            return np.clip(x, low, high)
        if mode == "tanh":
            return low + 0.5 * (high - low) * (np.tanh(x) + 1)
        return np.log(softplus(x) + 1e-5)

    def raw_slope(self):
        mode, x = self.options["policy.log_std.mode"], self.raw
        low, high = self.options["policy.log_std.min"], self.options["policy.log_std.max"]
        if mode == "clamp":
            return ((x >= low) & (x <= high)).astype(float)
        if mode == "tanh":
            return 0.5 * (high - low) * (1 - np.tanh(x)**2)
        return np.exp(-softplus(-x)) / (softplus(x) + 1e-5)

    def correction(self, u):
        """log |da/du| for every dimension."""
        if not self.options["policy.squash"]:
            return np.zeros_like(u)
        if self.options["policy.squash_correction"] == "eps":
            return np.log(1 - np.tanh(u)**2 + 1e-6)
        return 2 * (np.log(2) - np.abs(u) - softplus(-2 * np.abs(u)))

    def log_prior(self):
        if self.options["algorithm.action_prior"] == "uniform":
            return np.zeros(len(self.action))
        return (-0.5 * self.action**2 - 0.5 * LOG_2PI).sum(1)

    def gradient(self, alpha, dq):
        """Policy gradient of mean(alpha (log pi - log p0) - Q) for dq = dQ/da of every row."""
        a, rows = self.action, len(self.action)
        slope = 1 - a * a if self.options["policy.squash"] else np.ones_like(a)
        du = -dq * slope
        if self.options["policy.squash"]:
            exact = self.options["policy.squash_correction"] == "exact"
            du = du + alpha * 2 * a * (1 if exact else slope / (slope + 1e-6))
        if self.options["algorithm.action_prior"] == "normal":
            du = du + alpha * a * slope
        dmean = du / rows
        dlog_std = np.exp(self.log_std) * self.noise * dmean - alpha / rows
        return self.actor.backward(self.inputs, np.hstack([dmean, dlog_std * self.raw_slope()]))[0]

    def near_knee(self):
        low, high = self.options["policy.log_std.min"], self.options["policy.log_std.max"]
        edge = np.minimum(np.abs(self.raw - low), np.abs(self.raw - high)).min(1)
        clamp = self.options["policy.log_std.mode"] == "clamp"
        return (self.actor.knee < KNEE) | (clamp & (edge < KNEE))


def regress(net, inputs, output, target, huber, weight=1.0):
    """Half mean squared (or Huber) loss of weighted rows, the size that its rounding is measured
    against, its gradient, and the rows that rounding may decide: near Huber's knee, or all of them
    where output and target nearly cancel."""
    error = output[:, 0] - target
    inside = np.abs(error) <= 1 if huber else np.ones(len(error), bool)
    loss = weight * np.where(inside, 0.5 * error**2, np.abs(error) - 0.5)
    slope = weight * np.where(inside, error, np.sign(error)) / len(error)
    near = huber & (np.abs(np.abs(error) - 1) < KNEE)
    terms = np.abs(output[:, 0]) + np.abs(target)
    near |= np.abs(error).sum() < CANCELLED * terms.sum()
    size = max(loss.mean(), 0.1 * np.abs(slope * terms).sum())
    return loss.mean(), size, net.backward(inputs, slope[:, None])[0], near


class Update:
    """One update. `out` holds everything that the program's trace adds to its input.

    `steps`: {name: array} of `after.` tensors to take for the networks once they have stepped,
    instead of this reference's own: the first Adam step is nearly the sign of the gradient, so the
    rounding of one element near zero would otherwise blur what is computed after it."""

    def __init__(self, tensors, options, steps=None):
        self.t = {name: np.asarray(array, np.float64) for name, array in tensors.items()}
        self.options, self.steps, self.out, self.scale = options, steps or {}, {}, {}
        self.near = np.zeros(len(self.t["batch.obs"]), bool)
        for name in [name for name in self.t if name.split(".")[0] in ("critic", "value")]:
            self.t.setdefault(name.replace(".", "_target.", 1), self.t[name])
        self.learns_alpha = str(self.option("ent_coef")).startswith("auto")
        self.alpha = self.alpha_now()
        v1 = self.option("name") == "sac_v1"
        self.run_value() if v1 else self.run_temperature()

    def option(self, name):
        value = self.options["algorithm." + name]
        if name == "ent_coef" and value is None:
            return 1.0 if self.options["algorithm.name"] == "sac_v1" else "auto"
        return value

    def alpha_now(self):
        if not self.learns_alpha:
            return float(self.option("ent_coef"))
        initial = float(str(self.option("ent_coef"))[5:] or 1.0)
        self.t.setdefault("log_ent_coef", np.log([initial]))
        return float(np.exp(self.t["log_ent_coef"][0]))

    # the steps of Algorithm 1 of either paper

    def run_value(self):
        sequential = self.option("update_order") == "sequential"
        sample = self.sample_now()
        before = dict(self.t)
        self.improve_value(sample, before)
        self.improve_critics(self.value_target())
        self.improve_policy(sample, self.t if sequential else before)
        self.track("value")

    def run_temperature(self):
        y = self.soft_target()
        sample = self.sample_now()
        self.improve_critics(y)
        self.improve_policy(sample, self.t)
        if self.learns_alpha:
            self.improve_temperature(sample)
        self.track("critic")

    def sample_now(self):
        sample = Sample(actor_of(self.t, self.options), self.t["batch.obs"], self.t["noise.now"],
                        self.options)
        self.near |= sample.near_knee()
        self.out["log_pi.now"], self.scale["log_pi.now"] = sample.log_pi, sample.size
        return sample

    def backed_up(self, next_value, size):
        """kappa r + gamma (1-d) V; `size` is that of the terms of V."""
        live = self.t["batch.terminated"] == 0
        y = self.option("reward_scale") * self.t["batch.reward"]
        # rewards of several steps come summed, with the discount of what follows them
        several = self.option("n_steps") > 1
        discount = self.t["batch.discount"] if several else self.option("gamma")
        self.scale["target.y"] = np.abs(y) + discount * np.where(live, size, 0)
        y = y + discount * np.where(live, next_value, 0)
        self.out["target.y"] = y
        return y

    def value_target(self):
        net = value_of(self.t, self.options, "value_target")
        masks = self.masks(golden_philox.DROP_VALUE_NEXT)
        v = net.forward(self.t["batch.next_obs"], masks)[0][:, 0]
        return self.backed_up(v, np.abs(v))

    def soft_target(self):
        sample = Sample(actor_of(self.t, self.options), self.t["batch.next_obs"],
                        self.t["noise.next"], self.options)
        self.out["log_pi.next"], self.scale["log_pi.next"] = sample.log_pi, sample.size
        x = np.hstack([self.t["batch.next_obs"], sample.action])
        q = [net.forward(x, self.masks(golden_philox.DROP_NEXT, i))[0][:, 0]
             for i, net in enumerate(critics_of(self.t, self.options, "critic_target"))]
        q, prior = np.min([q[i] for i in self.subset(len(q))], 0), sample.log_prior()
        size = np.abs(q) + self.alpha * (sample.size + np.abs(prior))
        return self.backed_up(q - self.alpha * (sample.log_pi - prior), size)

    def subset(self, count):
        """The critics whose minimum the target takes (REDQ, Chen et al. 2021)."""
        wanted = int(self.option("target_subset"))
        if wanted >= count:
            return range(count)
        return golden_philox.subset(int(self.options["run.seed"]), 0, count, wanted)

    def masks(self, purpose, network=0):
        """What a pass of critic `network` leaves out, anew for each purpose (DroQ, Hiraoka et al.
        2022)."""
        share, key = self.options["critic.dropout"], int(self.options["run.seed"])
        if not share:
            return None
        return lambda layer, shape: golden_philox.mask(key, purpose, 0, (network, layer), shape,
                                                       share)

    def improve_value(self, sample, tensors):
        net = value_of(self.t, self.options)
        x = np.hstack([self.t["batch.obs"], sample.action])
        q = [critic.forward(x, self.masks(golden_philox.DROP_ACTION, i))[0][:, 0]
             for i, critic in enumerate(critics_of(tensors, self.options))]
        target = np.min(q, 0) - self.alpha * (sample.log_pi - sample.log_prior())
        v, inputs = net.forward(self.t["batch.obs"], self.masks(golden_philox.DROP_VALUE))
        loss, size, grads, near = regress(net, inputs, v, target, huber=False)
        self.out["loss.v"], self.scale["loss.v"] = loss, size
        self.near |= near | (net.knee < KNEE)
        self.learn("value", grads, self.option("v_lr"))

    def improve_critics(self, y):
        x = np.hstack([self.t["batch.obs"], self.t["batch.action"]])
        losses, sizes, grads = [], [], {}
        huber = self.option("critic_loss") == "huber"
        weight = self.t["batch.weight"] if self.option("priority.enabled") else 1.0
        for i, net in enumerate(critics_of(self.t, self.options)):
            q, inputs = net.forward(x, self.masks(golden_philox.DROP_NOW, i))
            loss, size, grad, near = regress(net, inputs, q, y, huber, weight)
            self.near |= near | (net.knee < KNEE)
            losses.append(loss)
            sizes.append(size)
            grads.update(grad)
        self.out["loss.q"], self.scale["loss.q"] = np.array(losses), np.array(sizes)
        self.learn("critic", grads, self.option("q_lr"))

    def improve_policy(self, sample, tensors):
        """J_pi = mean(alpha (log pi - log p0) - m), m the min, first or mean of the critics."""
        x, critics = np.hstack([self.t["batch.obs"], sample.action]), critics_of(tensors,
                                                                               self.options)
        q, dq = [], []
        for i, net in enumerate(critics):
            value, inputs = net.forward(x, self.masks(golden_philox.DROP_ACTION, i))
            self.near |= net.knee < KNEE
            q.append(value[:, 0])
            dq.append(net.backward(inputs, np.ones_like(value))[1][:, -sample.action.shape[1]:])
        m, dm = self.climbed(np.array(q), np.array(dq))
        prior = sample.log_prior()
        self.out["loss.policy"] = (self.alpha * (sample.log_pi - prior) - m).mean()
        size = self.alpha * (sample.size + np.abs(prior)) + np.abs(m)
        self.scale["loss.policy"] = size.mean()
        self.learn("actor", sample.gradient(self.alpha, dm), self.option("policy_lr"))

    def climbed(self, q, dq):
        """The critic value that the policy climbs and its action gradient."""
        if self.option("actor_q") == "mean":
            return q.mean(0), dq.mean(0)
        if self.option("actor_q") == "first" or len(q) == 1:
            return q[0], dq[0]
        lowest = np.sort(q, axis=0)
        self.near |= lowest[1] - lowest[0] < TIE
        best = q.argmin(0)
        return q.min(0), np.take_along_axis(dq, best[None, :, None], 0)[0]

    def improve_temperature(self, sample):
        target = self.option("target_entropy")
        target = -sample.action.shape[1] if target == "auto" else target
        surplus = sample.log_pi.mean() + target
        plain = self.option("alpha_loss") == "alpha"
        factor = self.alpha if plain else self.t["log_ent_coef"][0]
        slope = self.alpha if plain else 1.0
        self.out["loss.ent_coef"] = -factor * surplus
        self.scale["loss.ent_coef"] = (abs(factor) * (sample.size + abs(target))).mean()
        gradient = np.array([-slope * surplus])
        self.learn("ent_coef", {"log_ent_coef": gradient}, self.option("alpha_lr"))

    # optimiser and targets

    def learn(self, group, grads, lr):
        """One step of Adam on the tensors of a group, its gradient cut by element, then limited in
        norm."""
        for name, grad in grads.items():
            self.out["grad." + name] = grad
        limit, factor = self.option("max_grad_norm"), 1.0
        used = {name: np.asarray(self.steps.get("grad." + name, grad), np.float64)
                for name, grad in grads.items()}
        most = self.option("max_grad_value")
        if most and group != "ent_coef":
            used = {name: np.clip(grad, -most, most) for name, grad in used.items()}
        norm = np.sqrt(sum((grad**2).sum() for grad in used.values()))
        if limit and group != "ent_coef" and norm > limit:
            factor = limit / norm
        count = float(np.ravel(self.t.get(f"optimizer.step.{group}", 0))[0]) + 1
        self.out[f"after.optimizer.step.{group}"] = np.array([count])
        for name, grad in used.items():
            self.step(name, factor * grad, lr, count)

    def step(self, name, grad, lr, count):
        beta1, beta2 = self.option("adam.beta1"), self.option("adam.beta2")
        before = self.t.get("optimizer.exp_avg." + name, np.zeros_like(grad))
        m = beta1 * before + (1 - beta1) * grad
        self.scale["after.optimizer.exp_avg." + name] = np.abs(before).max() + np.abs(grad).max()
        v = beta2 * self.t.get("optimizer.exp_avg_sq." + name, 0) + (1 - beta2) * grad**2
        size = np.sqrt(v / (1 - beta2**count)) + self.option("adam.eps")
        change = lr * (m / (1 - beta1**count)) / size
        value = self.t[name] - change
        self.out["after." + name] = value
        self.scale["after." + name] = np.abs(self.t[name]).max() + np.abs(change).max()
        self.out["after.optimizer.exp_avg." + name] = m
        self.out["after.optimizer.exp_avg_sq." + name] = v
        self.t[name] = np.asarray(self.steps.get("after." + name, value), np.float64)

    def track(self, stack):
        tau = self.option("tau")
        for name in [name for name in self.t if name.startswith(stack + ".")]:
            target = name.replace(".", "_target.", 1)
            kept, taken = (1 - tau) * self.t[target], tau * self.t[name]
            self.out["after." + target] = kept + taken
            self.scale["after." + target] = np.abs(kept).max() + np.abs(taken).max()
