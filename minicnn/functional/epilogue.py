"""Functions that can end with the addition of a residual and with ReLU, while their output is in the cache (see fusion.py)."""
from minicnn.autograd import Function
from minicnn.functional.activation import ReLU
from minicnn.functional.elementwise import Add


class WithEpilogue(Function):
    """A subclass takes the residual, if `residual`, as the last of its inputs, and rectifies its output if `rectify`.

    Its `backward` takes the `rectified_gradient` first, which is the residual's gradient as well.
    """

    waits = True
    residual = rectify = False

    def followed_by(self, function, own_inputs, inputs, recording):
        others = tuple([tensor for tensor in inputs if tensor is not None])
        if self.rectify:
            return None
        if isinstance(function, ReLU):
            return self._changed(rectify=True), own_inputs
        if isinstance(function, Add) and not self.residual and others[0].shape == self.output_shape(*own_inputs):
            return self._changed(residual=True), own_inputs + others
        return None

    def _changed(self, **settings):
        """Another one, not applied yet."""
        function = object.__new__(type(self))
        function.__dict__.update(self.__dict__, **settings)
        return function
