"""The space that is understood, and one that is not."""
import numpy


class Box:
    def __init__(self, low, high, shape, dtype):
        self.shape, self.dtype = tuple(shape), numpy.dtype(dtype)
        self.low = numpy.full(self.shape, low, self.dtype)
        self.high = numpy.full(self.shape, high, self.dtype)


class Discrete:
    def __init__(self, n):
        self.n = n
        self.dtype, self.shape = numpy.dtype("int64"), ()

    def __str__(self):
        return f"Discrete({self.n})"
