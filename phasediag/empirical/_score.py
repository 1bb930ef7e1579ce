"""The empirical score: questions checked, and shared out in tiles of queries."""

import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from phasediag.empirical._arguments import as_float, float_type, number_of_bytes
from phasediag.empirical._cloud import DOUBLE, SINGLE
from phasediag.empirical._devices import Device
from phasediag.empirical._local import Local
from phasediag.empirical._moments import Moments, Wanted
from phasediag.empirical._namespace import foreign, namespace, on_host
from phasediag.empirical._pointwise import central_difference, each_time
from phasediag.empirical._shards import Shards
from phasediag.empirical._stored import Stored, is_stored

__all__ = ["EmpiricalScore"]

Float = NDArray[np.floating[Any]]
LARGEST = 1e-6  # tolerance


class EmpiricalScore:
    r"""The score of N samples noised with variance t.

    .. math::

        Z = \sum_\mu e^{-|x - y_\mu|^2/(2t)}, \quad w_\mu = e^{-|x - y_\mu|^2/(2t)}/Z, \quad
        s = \nabla\log p = \frac{\sum_\mu w_\mu y_\mu - x}{t}, \quad J = \nabla s = \frac{C/t - I}{t},

    C the covariance of the samples under the weights. Queries ``x`` have shape (B, d). A time ``t`` is a noise
    variance, or a list of T of them; each result then gains a leading axis T, and the distances are computed once
    for all.

    Accuracy: the log-partition function, score, covariance and Jacobian are off by at most about 1e-11 of the larger
    of their own size and 1, :math:`1/\sqrt{t}`, t, :math:`1/t`. Samples whose weights together could not move them by
    as much are skipped; where a matrix product would lose more digits, at :math:`t \lesssim 10^{-5}|x|^2`,
    differences with the samples replace it. With float32 arithmetic 1e-11 becomes 1e-4. At near-ties between samples
    no arithmetic does better than x itself: an error of eps in x moves each exponent by
    :math:`\mathrm{eps}\,|x||y_\mu - y_\nu|/t`, and the weights and the score follow where several samples share them.

    Parameters
    ----------
    samples : array_like, shape (N, d)
        Kept by reference where it is an array of floats (do not change it afterwards). May be a ``numpy.memmap`` or an
        array of Zarr or HDF5 larger than the memory, or a ``dask.array.Array``: its chunks then stay with the workers
        of the cluster, each of which answers for its own, and the rest of the options holds for each chunk. Arrays of
        PyTorch, JAX, CuPy or any library of the array API standard stay on their device, and results are of their kind.
    dtype : {float64, float32}, optional
        Arithmetic and results; that of the samples by default (float64 for integers).
    max_memory : str or int
        Working memory beyond the samples and the results, such as ``"256MB"`` or a number of bytes.
    index : None, "auto" or path, optional
        Group the samples in a tree, so that most of them need not be read where few matter: it pays from about 1e5
        samples of few intrinsic dimensions on, and the sorted copy takes as much memory as the samples. A path
        (``.npz``) keeps the tree in a file, and ``"auto"`` does beside a ``numpy.memmap``; the sorted copy of what is
        on a disk stays there as well.
    tolerance : float
        What samples skipped by way of the index may add to log Z and the entropy, to the mean in units of
        :math:`\sqrt t` and to the covariance in units of t; at most 1e-6. ``Moments.skipped`` tells the bound reached.

    Raises
    ------
    ValueError
        Naming the argument: samples that are empty, of the wrong shape or not finite (with the row), queries of
        another dimension or so far that their squared distances overflow, times that are not positive.

    Notes
    -----
    Source: Lucibello and Mézard, PRL 132, 077301 (2024); Biroli et al., Nat. Commun. 15, 9957 (2024). Derived in
    :doc:`/theory/model`.

    Queries are shared out between as many threads as BLAS may use (``OPENBLAS_NUM_THREADS``, threadpoolctl), with
    one BLAS thread each; the results do not depend on their number.

    Examples
    --------
    >>> score = EmpiricalScore([[-1.0], [1.0]])
    >>> score.score([[0.5]], t=1.0)  # tanh(x/t)/t - x/t
    array([[-0.03788284]])
    >>> score.participation([[0.0], [3.0]], t=[1.0, 100.0]).round(4)
    array([[0.5   , 0.9951],
           [0.5   , 0.5004]])
    >>> score.weights([[0.5]], t=1.0).round(4), score.log_partition([[0.5]], t=1.0).round(4)
    (array([[0.2689, 0.7311]]), array([0.1883]))
    >>> score.covariance([[0.5]], t=1.0).round(4), score.jacobian([[0.5]], t=1.0).round(4)
    (array([[[0.7864]]]), array([[[-0.2136]]]))
    """

    def __init__(
        self,
        samples: Any,
        dtype: DTypeLike | None = None,
        max_memory: str | int = "256MB",
        *,
        index: str | os.PathLike[str] | None = None,
        tolerance: float = 1e-12,
    ) -> None:
        elsewhere = foreign(samples) or hasattr(samples, "to_delayed")
        if is_stored(samples):
            samples = Stored(samples)
        elif not elsewhere and not (isinstance(samples, np.ndarray) and samples.dtype in (SINGLE, DOUBLE)):
            samples = as_float("samples", samples)
        if samples.ndim != 2 or 0 in samples.shape:
            raise ValueError(f"samples must have shape (N, d) with N, d >= 1, got {tuple(samples.shape)}")
        self._dtype = np.dtype(dtype) if dtype is not None else float_type(samples.dtype)
        if self._dtype not in (SINGLE, DOUBLE):
            raise ValueError(f"dtype must be float64 or float32, got {self._dtype}")
        if not 0 < tolerance <= LARGEST:
            raise ValueError(f"tolerance must lie between 0 and {LARGEST:g}, got {tolerance!r}")
        memory = number_of_bytes(max_memory)
        self._samples: Local | Device | Shards
        if not elsewhere:
            self._samples = Local(samples, self._dtype, memory, index, tolerance)
        elif foreign(samples):
            if index is not None:
                raise ValueError("index: only samples of NumPy and Dask can be indexed")
            self._samples = Device(samples, self._dtype, memory)
        else:
            self._samples = Shards(samples, self._dtype, memory, index, tolerance)

    @property
    def n_samples(self) -> int:
        """Number of samples N."""
        return self._samples.n

    @property
    def dim(self) -> int:
        """Dimension d of the samples."""
        return self._samples.d

    def __call__(self, x: ArrayLike, t: ArrayLike) -> Float:
        """Return the score, shape (B, d), at one time for all queries or one for each, shape () or (B,).

        This is the protocol of `phasediag.score.Score`; several times at once, for every query, are `score`'s.

        Examples
        --------
        >>> EmpiricalScore([[-1.0], [1.0]])([[0.5], [0.5]], t=[1.0, 4.0]).round(4)
        array([[-0.0379],
               [-0.0939]])
        """
        points, times = self._queries(x), self._times(t)
        if times.shape not in ((), (points.shape[0],)):
            raise ValueError(
                f"t must be one time or one for each of {points.shape[0]} queries, got shape {times.shape}"
            )
        return each_time(self.score, points, np.broadcast_to(times, points.shape[0]))

    def score(self, x: ArrayLike, t: ArrayLike) -> Float:
        r"""Return the score :math:`(\sum_\mu w_\mu y_\mu - x)/t`, shape ([T,] B, d)."""
        return self._moments(x, t, Wanted(order=1)).score

    def log_partition(self, x: ArrayLike, t: ArrayLike) -> Float:
        r"""Return :math:`\log Z = \log\sum_\mu e^{-|x - y_\mu|^2/(2t)}`, every direction counted, shape ([T,] B)."""
        return self._moments(x, t, Wanted(order=0)).log_partition

    def log_density(self, x: ArrayLike, t: ArrayLike) -> Float:
        r"""Return :math:`\log\frac1N\sum_\mu \mathcal{N}(x; y_\mu, tI)`, in nats, shape ([T,] B).

        It is :math:`\log Z - \log N - \frac d2\log(2\pi t)`.

        Examples
        --------
        >>> EmpiricalScore([[-1.0], [1.0]]).log_density([[0.0]], t=[1.0, 4.0]).round(4)
        array([[-1.4189],
               [-1.7371]])
        """
        found = self._moments(x, t, Wanted(order=0))
        logs = namespace(found.t).log(2 * np.pi * found.t)
        return found.log_partition - float(np.log(self.n_samples)) - self.dim / 2 * logs

    def participation(self, x: ArrayLike, t: ArrayLike) -> Float:
        r"""Return :math:`Y_2 = \sum_\mu w_\mu^2`, the inverse of the effective number of samples, shape ([T,] B)."""
        found = self._moments(x, t, Wanted(order=0, square=True)).participation
        assert found is not None
        return found

    def entropy(self, x: ArrayLike, t: ArrayLike) -> Float:
        r"""Return the entropy of the weights, :math:`H = -\sum_\mu w_\mu\log w_\mu`, in nats, shape ([T,] B).

        It is summed as :math:`\log Z + \langle e\rangle`, with energies :math:`e` and Z relative to the lowest one:
        :math:`e^H` is an effective number of samples, 1 where one sample takes all, N where all weigh the same.

        Examples
        --------
        >>> EmpiricalScore([[-1.0], [1.0]]).entropy([[0.0], [3.0]], t=[1.0, 100.0]).round(4)
        array([[0.6931, 0.0173],
               [0.6931, 0.6927]])
        """
        found = self._moments(x, t, Wanted(order=0, entropy=True)).entropy
        assert found is not None
        return found

    def covariance(self, x: ArrayLike, t: ArrayLike) -> Float:
        r"""Return the covariance of the samples under the weights, shape ([T,] B, d, d).

        :math:`C_{ij} = \sum_\mu w_\mu y_{\mu i} y_{\mu j} - \sum_\mu w_\mu y_{\mu i} \sum_\mu w_\mu y_{\mu j}`.
        """
        found = self._moments(x, t, Wanted(order=2)).covariance
        assert found is not None
        return found

    def jacobian(self, x: ArrayLike, t: ArrayLike) -> Float:
        r"""Return the Jacobian of the score, :math:`J = (C/t - I)/t`, shape ([T,] B, d, d)."""
        return self._moments(x, t, Wanted(order=2)).jacobian

    def singular_values(self, x: ArrayLike, t: ArrayLike) -> Float:
        r"""Return the singular values of the Jacobian, descending, shape ([T,] B, d).

        J is symmetric: they are :math:`|c/t - 1|/t`, c the eigenvalues of C.

        Examples
        --------
        >>> EmpiricalScore([[-1.0, 0.0], [1.0, 0.0]]).singular_values([[0.5, 0.0]], t=1.0).round(4)
        array([[1.    , 0.2136]])
        """
        return self._moments(x, t, Wanted(order=2)).singular_values

    def moments(self, x: ArrayLike, t: ArrayLike, order: int = 2) -> Moments:
        """Return log Z, participation, entropy, score and, at order 2, covariance and Jacobian, from one pass.

        Parameters
        ----------
        x, t
            As everywhere.
        order : {1, 2}
            Whether the second moments are wanted.

        Returns
        -------
        Moments

        Raises
        ------
        ValueError
            For another order, and by the Jacobian and its singular values at order 1.

        Examples
        --------
        >>> found = EmpiricalScore([[-1.0], [1.0]]).moments([[0.5], [3.0]], t=[1.0, 2.0])
        >>> found.log_partition.shape, found.score.shape, found.jacobian.shape
        ((2, 2), (2, 2, 1), (2, 2, 1, 1))
        """
        if order not in (1, 2):
            raise ValueError(f"order must be 1 or 2, got {order!r}")
        return self._moments(x, t, Wanted(order=order, square=True, entropy=True))

    def jvp(self, x: ArrayLike, t: ArrayLike, v: ArrayLike) -> Float:
        r"""Return the products :math:`Jv = (Cv/t - v)/t` without forming J, shape ([T,] B, d).

        ``v`` holds one vector per query, shape (B, d), or one for all, shape (d,).

        Raises
        ------
        ValueError
            For ``v`` of another shape or not finite.

        Examples
        --------
        >>> EmpiricalScore([[-1.0, 0.0], [1.0, 0.0]]).jvp([[0.5, 0.0]], t=1.0, v=[1, 2]).round(4)
        array([[-0.2136, -2.    ]])
        """
        points, vectors = self._queries(x), self._samples.as_array("v", v)
        if tuple(vectors.shape) not in ((self.dim,), tuple(points.shape)):
            raise ValueError(f"v must have shape {tuple(points.shape)} or ({self.dim},), got {tuple(vectors.shape)}")
        vectors = namespace(vectors).broadcast_to(vectors, points.shape)
        found = self._moments(points, t, Wanted(order=1, along=True), vectors)
        assert found.product is not None
        times = found.t[..., None]
        return (found.product / times - self._result(vectors)) / times

    def measured_jacobian(
        self, x: ArrayLike, t: ArrayLike, basis: ArrayLike | None = None, absolute: bool = False
    ) -> Float:
        r"""Return the Jacobian as Achilli et al. measure it: central differences at the scale of the noise.

        .. math::

            M_{\cdot a} = \frac{s(x + \sqrt t\, e_a/2) - s(x - \sqrt t\, e_a/2)}{\sqrt t}

        Parameters
        ----------
        x, t
            As everywhere.
        basis : array_like, shape (d, d), optional
            Orthonormal basis, :math:`e_a` in column a; the coordinate axes by default.
        absolute : bool
            Take absolute values entry by entry, as the script released with the paper does.

        Returns
        -------
        ndarray, shape ([T,] B, d, d)
            Column a is the derivative along :math:`e_a`, in the coordinates of x: ``M @ basis.T`` estimates J, and
            ``numpy.linalg.svd(M, compute_uv=False)`` its singular values.

        Raises
        ------
        ValueError
            For a basis that is not orthonormal to 1e-8, and for samples on another device.

        Notes
        -----
        Source: Achilli et al., arXiv:2410.08727.

        Examples
        --------
        >>> EmpiricalScore([[-1.0], [1.0]]).measured_jacobian([[0.5]], t=1.0)  # tanh(1) - tanh(0) - 1
        array([[[-0.23840584]]])
        """
        if isinstance(self._samples, Device):
            raise ValueError("measured_jacobian needs samples of NumPy or Dask; jacobian is exact on every device")
        points, times = self._queries(x), self._times(t)
        axes = np.eye(self.dim) if basis is None else as_float("basis", basis)
        if axes.shape != (self.dim, self.dim) or not np.allclose(axes.T @ axes, np.eye(self.dim), atol=1e-8):
            raise ValueError(f"basis must hold {self.dim} orthonormal columns of length {self.dim}")
        measured = np.stack([self._differences(points, float(time), axes) for time in times.flat])
        measured = measured.reshape(times.shape + measured.shape[1:])
        return np.abs(measured) if absolute else measured

    def _differences(self, points: Float, time: float, axes: Float) -> Float:
        """Return the differences along all axes at the step of the noise, shape (B, d, d)."""
        x, v = np.repeat(points, self.dim, axis=0), np.tile(axes.T, (len(points), 1))
        along = central_difference(lambda ends, _: self.score(ends, time), x, time, v, step=1)
        return along.reshape(-1, self.dim, self.dim).swapaxes(1, 2)

    def weights(self, x: ArrayLike, t: ArrayLike) -> Float:
        r"""Return the weights :math:`w_\mu`, shape ([T,] B, N)."""
        points, times = self._queries(x), self._times(t)
        weights = self._samples.weights(points, times.ravel())
        return weights[0, ...] if times.ndim == 0 else weights

    def _moments(self, x: Any, t: ArrayLike, wanted: Wanted, v: Any = None) -> Moments:
        """Ask the samples; a single time leaves no axis."""
        points, times = self._queries(x), self._times(t)
        out = self._samples.moments(points, times.ravel(), wanted, v)
        return out.map(lambda array: self._result(array[0, ...] if times.ndim == 0 else array))

    def _result(self, array: Any) -> Any:
        """Return an array in the type of results; those of devices have it."""
        return array.astype(self._dtype, copy=False) if isinstance(array, np.ndarray) else array

    def _queries(self, x: Any) -> Any:
        points = self._samples.as_array("x", x)
        if points.ndim != 2 or points.shape[1] != self.dim:
            raise ValueError(f"x must have shape (B, {self.dim}), got {tuple(points.shape)}")
        xp = namespace(points)
        with np.errstate(over="ignore"):
            if not bool(xp.all(xp.isfinite(xp.sum(xp.square(points - self._samples.centre), axis=1)))):
                raise ValueError("x is too far: its squared distances overflow")
        return points

    def _times(self, t: ArrayLike) -> Float:
        times = as_float("t", on_host(t))
        if times.ndim > 1 or times.size == 0:
            raise ValueError(f"t must be one time or a list of times, got shape {times.shape}")
        limits = np.finfo(self._dtype)
        if not np.all((times >= limits.tiny) & (times <= limits.max)):
            raise ValueError(f"t must be positive and finite as a {self._dtype}, got {t!r}")
        return times
