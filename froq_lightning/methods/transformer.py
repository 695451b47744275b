"""Where the blocks of a transformer are, which a dry run shows, and the methods that read them."""

from abc import ABC
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from math import isqrt
from typing import ClassVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from froq_lightning.backbones.spec import Backbone
from froq_lightning.errors import BackboneError
from froq_lightning.methods.attention import Attention, AttentionMode, Logits
from froq_lightning.methods.quality_method import SharedPassMethod
from froq_lightning.observation.layer_taps import LayerTaps

# More registers than that no network has.
MOST_PREFIX_TOKENS = 16
# Images of a dry run: with one alone, the windows of an image could be taken for images.
IMAGES = 2


@dataclass(frozen=True)
class Block:
    """A block of a transformer.

    Args:
        name: dotted name of the module.
        fault: why it has not one attention, among all tokens of an image and with known logits; empty if it has.
    """

    name: str
    fault: str


@dataclass(frozen=True)
class Transformer:
    """The blocks of a network, and its tokens.

    Args:
        blocks: in the order in which they run; each returns `[B, N, D]`.
        tokens: N.
        prefix: how many of these, the first ones, are class or register tokens instead of patches; None if unknown.
        norm: dotted name of the norm of D values that follows the blocks; empty if there is none.
        is_chain: whether each block takes the tokens that the one before returned. Otherwise they may return what is
            added to the tokens elsewhere.
    """

    blocks: tuple[Block, ...]
    tokens: int
    prefix: int | None
    norm: str
    is_chain: bool


@dataclass(frozen=True)
class TransformerMethod(SharedPassMethod, ABC):
    """A method that reads the blocks of a transformer.

    Attributes:
        title: name of the method in messages.
    """

    title: ClassVar[str]

    @cached_property
    def _transformers(self) -> WeakKeyDictionary[nn.Module, Transformer]:
        return WeakKeyDictionary()

    def transformer(self, backbone: Backbone, inputs: Tensor) -> Transformer:
        """Find the blocks of a network, for `[B, 3, H, W]` preprocessed inputs; the first time by a pass of two images.

        Raises:
            BackboneError: if there are none, or if attention runs elsewhere too.
        """
        network = backbone.network
        if network not in self._transformers:
            events = _dry_run(network, inputs)
            run = _blocks(network, events)
            if len(run) < 2:
                need = "blocks with attention, which run one after another and all return [B, N, D] tokens"
                raise self.refusal(backbone, need, "has none")
            found = _transformer(network, events, run)
            if sum(isinstance(event, Attention) for event in events) > sum(len(block.inside) for block in run):
                self.require_attention(backbone, found.blocks[-1])  # if it has a fault, that says more
                need = "all attention to be in blocks that run one after another and return [B, N, D] tokens"
                raise self.refusal(backbone, need, f"has {len(run)} of these and attention elsewhere too")
            self._transformers[network] = found
        return self._transformers[network]

    def require_attention(self, backbone: Backbone, block: Block) -> None:
        """Refuse a block whose logits cannot be read.

        Raises:
            BackboneError: saying why.
        """
        if block.fault:
            need = "the logits of one attention among all tokens of an image"
            raise self.refusal(backbone, need, f"{block.fault} in {block.name!r}")

    def logits(self, backbone: Backbone, block: Block, attentions: Sequence[Attention], images: int) -> Logits:
        """Return the logits of a block, given the attentions that ran in it.

        Raises:
            BackboneError: if there is not one attention as in the dry run.
        """
        tokens = self._transformers[backbone.network].tokens
        self.require_attention(backbone, Block(block.name, _fault(attentions, images, tokens)))
        logits = attentions[0].logits
        assert isinstance(logits, Logits)  # noqa: S101 - it has no fault
        return logits

    def refusal(self, backbone: Backbone, need: str, reason: str) -> BackboneError:
        """Return the error that says what the method needs, and why a network lacks it."""
        return BackboneError(
            f"{self.title} needs {need}, but {type(backbone.network).__name__} {reason}; choose another method"
        )


@dataclass(frozen=True)
class _Output:
    """What a module returned.

    Args:
        name: of the module.
        shape: of its output.
        inside: the attentions that ran inside it, if any.
        follows: whether it was given what the module before it with the same parent returned.
    """

    name: str
    shape: tuple[int, ...]
    inside: tuple[Attention, ...]
    follows: bool

    @property
    def parent(self) -> str:
        return _parent(self.name)


_Event = _Output | Attention


def _dry_run(network: nn.Module, inputs: Tensor) -> list[_Event]:
    """Run the network on zeros: attentions, and the outputs of modules, in the order in which they came."""
    names = [name for name, _ in network.named_modules() if name]
    events: list[_Event] = []
    returned: dict[str, object] = {}  # by the parent
    following: set[str] = set()

    def compare(name: str, _module: nn.Module, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
        before = returned.get(_parent(name))
        if before is not None and any(given is before for given in (*args, *kwargs.values())):
            following.add(name)

    def note(column: int, output: object) -> None:
        name, shape = names[column], tuple(output.shape) if isinstance(output, Tensor) else ()
        events.append(_Output(name, shape, _inside(events, name), name in following))
        returned[_parent(name)] = output

    # In inference mode, logits that are written to would go unnoticed.
    with torch.inference_mode(mode=False), torch.no_grad(), ExitStack() as hooks:
        images = torch.zeros(IMAGES, *inputs.shape[1:], dtype=inputs.dtype, device=inputs.device)
        with LayerTaps(network, names, note) as taps, AttentionMode(events.append):
            for name in names:
                hook = partial(compare, name)
                hooks.callback(network.get_submodule(name).register_forward_pre_hook(hook, with_kwargs=True).remove)
            taps.run(images)
    return events


def _parent(name: str) -> str:
    return name.rpartition(".")[0]


def _inside(events: Sequence[_Event], name: str) -> tuple[Attention, ...]:
    """Attentions of a module that has just returned: those since a module outside of it returned."""
    attentions = []
    for event in reversed(events):
        if isinstance(event, Attention):
            attentions.append(event)
        elif not event.name.startswith(f"{name}."):
            break
    return tuple(reversed(attentions))


def _blocks(network: nn.Module, events: Sequence[_Event]) -> list[_Output]:
    """Find the longest run of siblings in a list that have attention and return `[B, N, D]` of one shape."""
    outputs = [event for event in events if isinstance(event, _Output)]
    passes = Counter(output.name for output in outputs)
    runs: dict[str, list[list[_Output]]] = defaultdict(lambda: [[]])
    for output in outputs:
        if isinstance(network.get_submodule(output.parent), (nn.ModuleList, nn.Sequential)):
            run = runs[output.parent][-1]
            is_block = bool(output.inside) and len(output.shape) == 3 and output.shape[0] == IMAGES
            if not is_block or passes[output.name] > 1 or (run and run[-1].shape != output.shape):
                runs[output.parent].append(run := [])
            if is_block and passes[output.name] == 1:
                run.append(output)
    return max(chain.from_iterable(runs.values()), key=len, default=[])


def _transformer(network: nn.Module, events: Sequence[_Event], run: Sequence[_Output]) -> Transformer:
    _, tokens, width = run[-1].shape
    blocks = tuple(Block(block.name, _fault(block.inside, IMAGES, tokens)) for block in run)
    after = events[events.index(run[-1]) + 1 :]
    norms = (
        event.name
        for event in after
        if isinstance(event, _Output) and event.shape[-1:] == (width,) and _is_norm(network.get_submodule(event.name))
    )
    holder = network.get_submodule(_parent(run[-1].parent))
    before = events[: events.index(run[0])]
    maps = [event.shape for event in before if isinstance(event, _Output) and len(event.shape) == 4]
    is_chain = all(block.follows for block in run[1:])
    return Transformer(blocks, tokens, _prefix(holder, tokens, maps), next(norms, ""), is_chain)


def _fault(attentions: Sequence[Attention], images: int, tokens: int) -> str:
    return attentions[0].fault(images, tokens) if len(attentions) == 1 else f"runs {len(attentions)} attentions"


def _is_norm(module: nn.Module) -> bool:
    """Whether a module normalises each token by itself, as LayerNorm and the kinds of RMSNorm do."""
    name = type(module).__name__.lower()
    return "norm" in name and ("layer" in name or "rms" in name)


def _prefix(holder: nn.Module, tokens: int, maps: Sequence[tuple[int, ...]]) -> int | None:
    """Number of class and register tokens: what timm's networks say, or what there is besides a map of patches.

    Without a map of about as many patches, it is known where they make a square.
    """
    stated = getattr(holder, "num_prefix_tokens", None)
    if isinstance(stated, int):
        return stated
    extra = [tokens - height * width for _, _, height, width in reversed(maps)]
    if fitting := [number for number in extra if 0 <= number <= MOST_PREFIX_TOKENS]:
        return fitting[0]
    return next((extra for extra in (0, 1) if isqrt(tokens - extra) ** 2 == tokens - extra), None)
