"""Import before numpy: which of its kernels the recorded traces were made with.

The last bit of some NumPy results depends on the processor. Its AVX-512 sine and cosine differ from
the C library's, so they stay out. Its norm is OpenBLAS's dot product, which adds by fused
multiply-adds in the form for Intel's AVX-512 processors alone: that form is asked for where the
processor can run it. Elsewhere Reacher and Pusher, whose rewards hold norms, differ in last bits.
"""
import os
import pathlib

os.environ["NPY_DISABLE_CPU_FEATURES"] = (
    "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR")
if "avx512dq" in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"):
    os.environ["OPENBLAS_CORETYPE"] = "SkylakeX"
