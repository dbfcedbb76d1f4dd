"""As much of NumPy as the toy environments and src/env/gym_worker.py use, where there is none."""
import array

_CODES = {"float64": ("d", "f"), "float32": ("f", "f"), "int64": ("q", "i"), "str": ("u", "U")}


class dtype:
    def __init__(self, name):
        self.name = name.name if isinstance(name, dtype) else name
        self.code, self.kind = _CODES[self.name]

    def __str__(self):
        return self.name


float64, float32 = dtype("float64"), dtype("float32")


class ndarray:
    def __init__(self, values, shape, kind):
        self.data, self.shape, self.dtype = values, tuple(shape), dtype(kind)

    def reshape(self, shape):
        return ndarray(self.data, shape, self.dtype)

    def ravel(self):
        return self.reshape((len(self.data),))

    def astype(self, kind):
        return ndarray(array.array(dtype(kind).code, self.data), self.shape, kind)

    def sum(self):
        return array.array(self.dtype.code, [sum(self.data)])[0]

    def __mul__(self, factor):
        return ndarray(array.array(self.dtype.code, [value * factor for value in self.data]),
                       self.shape, self.dtype)

    def __iter__(self):
        return iter(self.data)

    def __getitem__(self, at):
        if isinstance(at, slice):
            return ndarray(self.data[at], (len(self.data[at]),), self.dtype)
        return self.data[at]

    def __setitem__(self, at, other):
        for i, value in enumerate(other):
            self.data[i] = value


def asarray(values):
    if isinstance(values, ndarray):
        return values
    kind = "str" if isinstance(values[0], str) else "float64"
    return ndarray(list(values), (len(values),), kind)


def full(shape, value, kind):
    size = 1
    for length in shape:
        size *= length
    return ndarray(array.array(dtype(kind).code, [value] * size), shape, kind)


def frombuffer(memory, kind, count, offset):
    size = array.array(kind.code).itemsize
    return ndarray(memoryview(memory)[offset:offset + count * size].cast(kind.code), (count,), kind)
