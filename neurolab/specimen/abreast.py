"""Networks side by side: the parameters of all seeds in one stack, so that a step of training is one pass for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

from neurolab.specimen.promises import eval_mode

State = dict[str, torch.Tensor]
#: What happens behind a module: its output times the first plus the second, each (n_networks, ...) or None; "path@1"
#: is the second call of the module at a path.
Edits = Mapping[str, tuple[torch.Tensor | None, torch.Tensor | None]]
Acts = dict[str, tuple[Any, ...]]

_PLAIN = (nn.Linear, nn.LayerNorm, nn.Embedding, nn.BatchNorm1d)
_CHANCY = (nn.modules.dropout._DropoutNd, nn.RReLU)
#: Modules whose outputs are hidden units, unless they give the answer itself.
ACTIVATIONS = (
    nn.ReLU, nn.ReLU6, nn.GELU, nn.SiLU, nn.ELU, nn.SELU, nn.CELU, nn.LeakyReLU, nn.Mish, nn.Hardswish, nn.Hardtanh,
    nn.Hardsigmoid, nn.Sigmoid, nn.Tanh, nn.Softplus, nn.Softsign, nn.PReLU,
)  # fmt: skip


def batchable(network: nn.Module) -> bool:
    """Get whether networks like this one are trained all at once: layers of a perceptron, no chance in forward."""
    weighted = [module for module in network.modules() if module._parameters or module._buffers]
    return all(isinstance(module, _PLAIN) for module in weighted) and not any(
        isinstance(module, _CHANCY) for module in network.modules()
    )


def together(network: nn.Module, inputs: torch.Tensor) -> bool:
    """Get whether networks like this one can be trained all at once: perceptrons, whose forward torch can batch."""
    if not batchable(network):
        return False
    try:
        with torch.no_grad(), eval_mode(network):
            Abreast([network], together=True).forward(inputs[None])
    except RuntimeError:  # what forward does hangs on values, or is done in place
        return False
    return True


class Abreast:
    """Networks of one build, side by side.

    parameters : name -> (n_networks, ...), leaves that take gradients. buffers : the same of running means and such.
    together : False runs without batching: one network alone, of any architecture.
    """

    def __init__(self, networks: Sequence[nn.Module], *, together: bool) -> None:
        self.networks = list(networks)
        self.template = self.networks[0]
        self.together = together
        parameters, self.buffers = states_of(self.networks)
        self.parameters: State = {name: value.requires_grad_() for name, value in parameters.items()}

    def __len__(self) -> int:
        return len(self.networks)

    @property
    def dtype(self) -> torch.dtype:
        """The floating type of the parameters."""
        return next((value.dtype for value in self.parameters.values()), torch.float32)

    @property
    def weights(self) -> State:
        """The weight matrices and kernels: what noise, L1 and pruning act on, unlike biases and norms."""
        return {name: value for name, value in self.parameters.items() if value.dim() > 2}

    def train(self, mode: bool = True) -> None:
        """Set the networks to training (batch norms take the batch's moments) or evaluation."""
        self.template.train(mode)

    def forward(
        self, x: torch.Tensor, *, parameters: State | None = None, edits: Edits | None = None
    ) -> torch.Tensor:
        """Get the answers (n_networks, n_stimuli, ...) to inputs (n_networks, n_stimuli, ...), each network to its own.

        parameters : others than the stack's own, as with noise on them. edits : see ``Edits``.
        """
        state = self.parameters if parameters is None else parameters
        acts = dict(edits or {})
        if not self.together:
            return self._alone(state, x, acts)

        def one(state: State, buffers: State, x: torch.Tensor, acts: Acts) -> torch.Tensor:
            return _run(self.template, state, buffers, x, acts)

        return vmap(one, in_dims=(0, 0, 0, _each(acts, lambda value: 0)))(state, self.buffers, x, acts)

    def _alone(self, state: State, x: torch.Tensor, acts: Acts) -> torch.Tensor:
        first = {name: value[0] for name, value in state.items()}
        buffers = {name: value[0] for name, value in self.buffers.items()}
        return _run(self.template, first, buffers, x[0], _each(acts, lambda value: value[0]))[None]

    def slice(self, at: int) -> State:
        """Get a copy of parameters and buffers of one network."""
        return {name: value[at].detach().clone() for name, value in {**self.parameters, **self.buffers}.items()}

    def put_back(self, states: Mapping[int, State] | None = None) -> list[nn.Module]:
        """Write the stack into its networks (or, of some, the states given) and get them, in evaluation mode."""
        for at, network in enumerate(self.networks):
            fill(network, (states or {}).get(at) or self.slice(at))
            network.eval()
        return self.networks


def states_of(networks: Sequence[nn.Module]) -> tuple[State, State]:
    """Get copies of the parameters and of the buffers of networks of one build, each with the networks along axis 0."""
    both = stack_module_state(list(networks))  # type: ignore[arg-type]
    parameters, buffers = ({name: value.detach().clone() for name, value in state.items()} for state in both)
    return parameters, buffers


def fill(network: nn.Module, state: State) -> None:
    """Write parameters and buffers into a network, in place."""
    own = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    with torch.no_grad():
        for name, value in state.items():
            own[name].copy_(value)


def _each(acts: Acts, change: Callable[[torch.Tensor], Any]) -> Acts:
    return {key: tuple(None if value is None else change(value) for value in pair) for key, pair in acts.items()}


def _run(network: nn.Module, state: State, buffers: State, x: torch.Tensor, acts: Acts) -> torch.Tensor:
    paths = {key.partition("@")[0] for key in acts}
    return run_under(network, state, buffers, x, {path: _editing(path, acts) for path in paths})


def run_under(
    network: nn.Module, state: State, buffers: State, x: torch.Tensor, edits: Mapping[str, Callable[..., Any]]
) -> Any:
    """Get the answer of a network with another state, under a forward hook behind each module at these paths."""
    with ExitStack() as hooks:
        for path, edit in edits.items():
            hooks.callback(network.get_submodule(path).register_forward_hook(edit).remove)
        return functional_call(network, (state, buffers), (x,))


def _editing(path: str, acts: Mapping[str, Any]) -> Any:
    calls = iter(range(10**9))

    def hook(module: nn.Module, given: Any, output: torch.Tensor) -> torch.Tensor:
        scale, shift = acts.get(f"{path}@{next(calls)}", (None, None))
        output = output if scale is None else output * scale
        return output if shift is None else output + shift

    return hook


def hidden_shapes(stack: Abreast, x: torch.Tensor) -> dict[str, tuple[int, ...]]:
    """Get "path@call" -> shape of what every hidden activation of one network gives for inputs (n_stimuli, ...)."""
    found: dict[str, Any] = {}

    def note(path: str) -> Any:
        calls = iter(range(10**9))
        return lambda module, given, output: found.update({f"{path}@{next(calls)}": output})

    with ExitStack() as hooks, torch.no_grad():
        for path, module in stack.template.named_modules():
            if isinstance(module, ACTIVATIONS):
                hooks.callback(module.register_forward_hook(note(path)).remove)
        first = {name: value[0] for name, value in stack.parameters.items()}
        buffers = {name: value[0].clone() for name, value in stack.buffers.items()}
        answer = functional_call(stack.template, (first, buffers), (x,))
    return {key: tuple(output.shape) for key, output in found.items() if output is not answer}
