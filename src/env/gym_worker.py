"""The program of a worker process: makes Gymnasium environments and steps them as it is told.

src/env/worker.c starts it with its number, the environment's name and keyword arguments (JSON);
the offsets below are those of the structs in src/env/worker.h. Descriptor 3 is the shared memory, 4
the socket: a command is a 32-bit word, slot * 4 + kind, and one answer, the number of commands
done, follows on all that were read at once. It ends where the socket does."""
import array
import importlib
import json
import mmap
import os
import struct
import sys
import traceback

MEMORY, SOCKET = 3, 4
OPEN, RESET, STEP = range(3)
READY, FAILED = 1, 2
PAGE = 4096  # bytes of the page by which a worker introduces itself
ACTION_MAX = 64
TEXT_MAX = 448
PAGE_HEAD = struct.Struct("i4xiiii")  # status, then sizes of the spaces, time limit, float32
PAGE_SLOTS = struct.Struct("QQ")  # where slots begin, bytes of each
PAGE_SLOTS_AT, PAGE_LOW, PAGE_HIGH, PAGE_TEXT = 24, 40, 552, 1064
SLOT_RESULT = struct.Struct("diii")  # reward, status, terminated, truncated
SLOT_SEED, SLOT_RESULT_AT, SLOT_TEXT, SLOT_ACTION, SLOT_OBS = 0, 8, 64, 512, 768


class Unfit(Exception):
    """What is wrong, told without the name of an exception."""


def tell(error):
    """The exception in one line, as the last of a traceback."""
    first = (str(error).strip().splitlines() or [""])[0].strip()
    name = type(error).__name__
    text = first if isinstance(error, Unfit) else f"{name}: {first}" if first else name
    return text.encode("utf-8", "replace")[:TEXT_MAX - 1].decode("utf-8", "ignore").encode() + b"\0"


def make(name, kwargs):
    """The environment without its time limit, and that limit (0: none)."""
    import gymnasium
    module, _, short = name.rpartition(":")
    if module:
        importlib.import_module(module)
    env = gymnasium.make(short, disable_env_checker=True, **kwargs)
    limit = getattr(env.spec, "max_episode_steps", None) or 0
    outer, inner = None, env
    while isinstance(inner, gymnasium.Wrapper):
        if not isinstance(inner, gymnasium.wrappers.TimeLimit):
            outer = inner
        elif outer is None:
            env = inner.env
        else:
            outer.env = inner.env
        inner = inner.env
    return env, limit


def check_space(space, what):
    import gymnasium
    if not isinstance(space, gymnasium.spaces.Box):
        shown = (str(space).splitlines() or [""])[0][:200]
        raise Unfit(f"the {what} space is {shown}, must be a Box of numbers")
    if space.dtype.kind not in ("f" if what == "action" else "fiub"):
        raise Unfit(f"the {what} space holds {space.dtype}, must hold real numbers")
    size = 1
    for length in space.shape:
        size *= length
    if size < 1 or (what == "action" and size > ACTION_MAX):
        raise Unfit(f"the {what} space has {size} values, must have 1 to "
                    f"{ACTION_MAX if what == 'action' else 2**31 - 1}")
    return size


class Slot:
    """One environment and its part of the shared memory."""

    def __init__(self, memory, env):
        import numpy
        self.memory, self.env, self.asarray = memory, env, numpy.asarray
        self.shape = env.observation_space.shape
        self.obs = numpy.frombuffer(memory, numpy.float64, self.size(self.shape), SLOT_OBS)
        space = env.action_space
        self.action = numpy.frombuffer(memory, numpy.float32, self.size(space.shape), SLOT_ACTION)
        self.action = self.action.reshape(space.shape)
        self.dtype = space.dtype

    @staticmethod
    def size(shape):
        size = 1
        for length in shape:
            size *= length
        return size

    def take(self, obs):
        obs = self.asarray(obs)
        if obs.shape != self.shape or obs.dtype.kind not in "fiub":
            raise Unfit(f"the observation has shape {obs.shape} of {obs.dtype}, must have "
                        f"{self.shape} of numbers")
        self.obs[:] = obs.ravel()

    def reset(self):
        seed, = struct.unpack_from("Q", self.memory, SLOT_SEED)
        obs, _ = self.env.reset(seed=seed)
        self.take(obs)
        SLOT_RESULT.pack_into(self.memory, SLOT_RESULT_AT, 0.0, READY, 0, 0)

    def step(self):
        obs, reward, terminated, truncated, _ = self.env.step(self.action.astype(self.dtype))
        self.take(obs)
        if isinstance(reward, (str, bytes)):
            raise Unfit(f"the reward is {reward!r}, must be a number")
        SLOT_RESULT.pack_into(self.memory, SLOT_RESULT_AT, float(reward), READY, bool(terminated),
                              bool(truncated))


class Worker:
    """All environments of this process."""

    def __init__(self, number, name, kwargs):
        self.page = mmap.mmap(MEMORY, (number + 1) * PAGE)
        self.page_at = number * PAGE
        self.name, self.kwargs = name, kwargs
        self.slots, self.spare = {}, None

    def introduce(self):
        """Write what the spaces are into the page, or what is wrong with them."""
        try:
            env, limit = self.spare = make(self.name, self.kwargs)
            n_obs = check_space(env.observation_space, "observation")
            n_act = check_space(env.action_space, "action")
        except Exception as error:
            if not isinstance(error, Unfit):
                traceback.print_exc()
            text = tell(error)
            self.page[self.page_at + PAGE_TEXT:self.page_at + PAGE_TEXT + len(text)] = text
            PAGE_HEAD.pack_into(self.page, self.page_at, FAILED, 0, 0, 0, 0)
            return False
        space = env.action_space
        for bounds, offset in ((space.low, PAGE_LOW), (space.high, PAGE_HIGH)):
            struct.pack_into(f"{n_act}d", self.page, self.page_at + offset,
                             *map(float, bounds.ravel()))
        narrow = env.observation_space.dtype.name == "float32"
        PAGE_HEAD.pack_into(self.page, self.page_at, READY, n_obs, n_act, limit, narrow)
        return True

    def open(self, number):
        old = self.slots.pop(number, None)
        if old:
            old.env.close()
        first, size = PAGE_SLOTS.unpack_from(self.page, self.page_at + PAGE_SLOTS_AT)
        memory = old.memory if old else mmap.mmap(MEMORY, size, offset=first + number * size)
        env, _ = self.spare or make(self.name, self.kwargs)
        self.spare = None
        self.slots[number] = Slot(memory, env)

    def run(self, command):
        number, kind = divmod(command, 4)
        try:
            if kind == OPEN:
                self.open(number)
            elif number not in self.slots:
                return  # what made it fail to open stands in its slot
            elif kind == RESET:
                self.slots[number].reset()
            else:
                self.slots[number].step()
        except Exception as error:
            if not isinstance(error, Unfit):
                traceback.print_exc()
            self.fail(number, tell(error))

    def fail(self, number, text):
        first, size = PAGE_SLOTS.unpack_from(self.page, self.page_at + PAGE_SLOTS_AT)
        with mmap.mmap(MEMORY, size, offset=first + number * size) as memory:
            memory[SLOT_TEXT:SLOT_TEXT + len(text)] = text
            SLOT_RESULT.pack_into(memory, SLOT_RESULT_AT, 0.0, FAILED, 0, 0)

    def serve(self):
        while True:
            words = os.read(SOCKET, 65536)
            if not words:
                return
            for command in array.array("I", words):
                self.run(command)
            os.write(SOCKET, struct.pack("I", len(words) // 4))

    def close(self):
        for slot in self.slots.values():
            slot.env.close()
        if self.spare:
            self.spare[0].close()


def main():
    for descriptor in (MEMORY, SOCKET):
        os.set_inheritable(descriptor, False)
    worker = Worker(int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]))
    ready = worker.introduce()
    os.write(SOCKET, struct.pack("I", 1))
    if ready:
        worker.serve()
        worker.close()


main()
