#!/usr/bin/env python3
"""A picture of what soft Q-learning has learned on Multigoal-v0, beside the exact solution.

  multigoal_density.py RUN OUT.png

Top: where episodes are over the plane, exact and of the network's own actions. Below: the density
of the action at three states, exact, of the learned Q (exp((Q - V) / alpha)), and of the network's
actions. Drawn by gnuplot; prints the figures behind it as one JSON line."""
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

import multigoal

STATES = [(0.0, 0.0), (2.5, 2.5), (-2.5, 0.0)]
PLANE = np.linspace(-7, 7, 71)  # edges of the plane's cells
ACTIONS = np.linspace(-1, 1, 41)


def cells_of(exact_field, exact):
    """A field on the exact grid as means over the plane's cells."""
    at = np.clip(np.searchsorted(PLANE, exact.x, "right") - 1, 0, len(PLANE) - 2)
    total = np.zeros((len(PLANE) - 1,) * 2)
    np.add.at(total, (at[:, None], at[None, :]), exact_field)
    return total / total.sum() / (PLANE[1] - PLANE[0]) ** 2


def histogram(points, edges):
    counts = np.histogram2d(points[:, 0], points[:, 1], [edges, edges])[0]
    return counts / counts.sum() / (edges[1] - edges[0]) ** 2


def panel(title, field, low, high, goals=False):
    """gnuplot's commands and data for one density. On the plane, with goals, colours end where the
    corridors do: all episodes begin in one place, which would outshine them."""
    count = len(field)
    step = (high - low) / count
    rows = "\n".join(" ".join(f"{v:.5g}" for v in column) for column in field.T)
    marks = ""
    if goals:
        marks = ", '-' using 1:2:(1) with circles lc rgb 'white' lw 2 notitle"
    data = f"$d << EOD\n{rows}\nEOD\n"
    inline = "5 0\n-5 0\n0 5\n0 -5\ne\n" if goals else ""
    return (f"{data}set title '{title}'\nset xrange [{low}:{high}]\nset yrange [{low}:{high}]\n"
            f"set cbrange [0:{0.12 if goals else max(field.max(), 1e-9):.4g}]\n"
            f"plot $d matrix using ({low}+($1+0.5)*{step}):({low}+($2+0.5)*{step}):3 with image "
            f"notitle{marks}\n{inline}")


def draw(panels, out):
    head = ("set term pngcairo size 1080,1400 font 'Sans,11'\n"
            f"set output '{out}'\nset size ratio -1\nunset key\nset tics out nomirror\n"
            "set palette cubehelix\nset multiplot layout 4,3\n")
    text = head + "".join(panel if panel else "set multiplot next\n" for panel in panels)
    subprocess.run(["gnuplot"], input=text + "unset multiplot\n", text=True, check=True)


def main():
    folder, out = Path(sys.argv[1]), sys.argv[2]
    agent = multigoal.Agent(folder)
    exact = multigoal.Exact(agent.options, agent.alpha, h=0.1)
    returns, goals, places = multigoal.rollout(agent, 4000, 1)
    panels = [panel("places, exact", cells_of(exact.occupancy(), exact), -7, 7, True),
              panel("places, learned", histogram(places, PLANE), -7, 7, True), None]
    random, figures = np.random.default_rng(2), {}
    for state in STATES:
        middle = (ACTIONS[1:] + ACTIONS[:-1]) / 2
        learned, value = agent.density(state, middle)
        drawn = agent.draw(np.repeat(np.array([state]), 40000, 0), random)
        name = f"({state[0]:g}, {state[1]:g})"
        panels += [panel(f"pi(a|{name}), exact", exact.density(state), -1, 1),
                   panel("exp(Q - V) of the learned Q", learned, -1, 1),
                   panel("of the network''s actions", histogram(drawn, ACTIONS), -1, 1)]
        figures[name] = {"value": round(value, 3),
                         "exact_value": round(float(exact.value[tuple(exact.index(state))]), 3)}
    draw(panels, out)
    shares = [round(float((goals == k).mean()), 4) for k in range(4)]
    print(json.dumps({"return_mean": round(float(returns.mean()), 2), "goal_shares": shares,
                      "states": figures}))


if __name__ == "__main__":
    sys.exit(main())
