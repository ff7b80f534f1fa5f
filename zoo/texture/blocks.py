"""Wide convolutions over time, block by block: two or three products for each output, whatever the kernel's width.

Overlap-save with real products only. A block of n frames gives n - width + 1 outputs of y[t] = sum_j x[t + j] k[j]. Its
discrete Fourier transform has n / 2 + 1 bins, two of them real; a complex product takes three real ones (Gauss):

    p1 = (a + b) c    p2 = a (-d - c)    p3 = b (c - d)    (a + ib)(c - id) = (p1 - p3) + i (p1 + p2)

so the convolution is S [(A x) * (G k)] with three small constant matrices: A transforms a block to 3 n / 2 - 1 numbers,
G a kernel, and S the products back to outputs. The products are matrix products over channels, one for each of the
numbers, on all blocks at once. Blocks are short, so that the matrix of a number, channels x filters, stays in the cache
for all blocks; a transform of the whole clip would be limited by the bandwidth of the memory.
"""

import functools

import numpy as np
from keras import ops

from zoo.audio.dsp import Tensor
from zoo.nn.layers import overlapping_blocks

_MIN_WIDTH = 4  # frames; narrower kernels are faster as plain convolutions


def blocked(width: int) -> bool:
    """Whether blocks are faster than a plain convolution for a kernel of `width` frames."""
    return width >= _MIN_WIDTH


@functools.lru_cache
def transforms(width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The three matrices for kernels of one width.

    Args:
        width: of the kernel in frames, 2 or more.

    Returns:
        A (numbers, n), G (numbers, width), S (outputs, numbers), float64: S @ ((A @ x) * (G @ k)) are the first
        n - width' values of the correlation of a block x with a kernel k, width' the width or the next power of two.

    Example:
        >>> A, G, S = transforms(4)
        >>> x, k = np.random.randn(16), np.random.randn(4)
        >>> bool(np.allclose(S @ ((A @ x) * (G @ k)), np.correlate(x, k, "valid")[:len(S)]))
        True
    """
    even = 1 << (width - 1).bit_length()
    size = 4 * even if even < 64 else 2 * even
    outputs = size - even
    time, bins = np.arange(size), np.arange(1, size // 2)
    angle = 2 * np.pi * np.outer(bins, time) / size
    cosine, sine, sign = np.cos(angle), np.sin(angle), (-1.0) ** time
    # x: a + ib with a = sum x cos, b = -sum x sin; k: c + id likewise, conjugated in the product.
    block = np.concatenate([np.ones((1, size)), sign[None], cosine - sine, cosine, -sine])
    c, d = cosine[:, :width], -sine[:, :width]
    kernel = np.concatenate([np.ones((1, width)), sign[None, :width], c, -d - c, c - d])
    real, imaginary = 2 * cosine[:, :outputs].T / size, -2 * sine[:, :outputs].T / size
    ends = np.stack([np.ones(outputs), sign[:outputs]], axis=1) / size
    back = np.concatenate([ends, real + imaginary, imaginary, -real], axis=1)
    return block, kernel, back


def transform_kernel(kernel: np.ndarray) -> np.ndarray:
    """G k for each pair of channels.

    Args:
        kernel: float NumPy array (width, channels, filters).

    Returns:
        (numbers, channels, filters), of the kernel's precision.

    Example:
        >>> transform_kernel(np.ones((4, 3, 5), "float32")).shape
        (23, 3, 5)
    """
    matrix = transforms(len(kernel))[1]
    return np.tensordot(matrix, kernel.astype("float64"), axes=1).astype(kernel.dtype)


def block_convolution(inputs: Tensor, transformed: Tensor, width: int) -> Tensor:
    """Correlation over time with a transformed kernel, whole outputs only.

    Args:
        inputs: float (batch, frames, channels).
        transformed: (numbers, channels, filters), as of `transform_kernel`.
        width: of the kernel in frames.

    Returns:
        (batch, frames - width + 1, filters); a gradient reaches `inputs`.

    Example:
        >>> kernel = np.ones((4, 3, 5), "float32")
        >>> outputs = block_convolution(np.ones((1, 9, 3), "float32"), transform_kernel(kernel), 4)
        >>> outputs.shape[1], round(float(outputs[0, 0, 0]), 3)
        (6, 12.0)
    """
    inputs = ops.convert_to_tensor(inputs)
    block, _, back = (ops.convert_to_tensor(matrix, inputs.dtype) for matrix in transforms(width))
    size, hop = block.shape[1], back.shape[0]
    batch, frames, channels = ops.shape(inputs)
    count, filters = frames - width + 1, transformed.shape[-1]
    pieces = overlapping_blocks(inputs, size, hop, count)
    blocks = ops.shape(pieces)[1]
    rows = ops.reshape(ops.transpose(pieces, (2, 0, 1, 3)), (size, -1))
    numbers = ops.reshape(ops.matmul(block, rows), (block.shape[0], -1, channels))
    products = ops.reshape(ops.matmul(numbers, ops.cast(transformed, inputs.dtype)), (block.shape[0], -1))
    outputs = ops.reshape(ops.matmul(back, products), (hop, batch, blocks, filters))
    outputs = ops.reshape(ops.transpose(outputs, (1, 2, 0, 3)), (batch, blocks * hop, filters))
    return outputs[:, :count]
